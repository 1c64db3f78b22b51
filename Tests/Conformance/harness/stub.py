"""A node in Python that says exactly what a test wants: for answers that no healthy node gives."""

import contextlib
import email.parser
import email.policy
import http.server
import json
import threading
import time
import urllib.parse
import uuid as uuids

from .waiting import eventually

#: A few options, enough for a backend to be usable.
OPTIONS = [
    {"name": "dsm", "type": "bool", "value": "false", "domain": "", "help": "Build a surface model."},
    {"name": "fast-orthophoto", "type": "bool", "value": "false", "domain": "", "help": "Skip dense reconstruction."},
    {"name": "rerun-from", "type": "enum", "value": "", "domain": ["", "dataset", "odm_report", "odm_postprocess"],
     "help": "Run again from this stage."},
    {"name": "pc-ept", "type": "bool", "value": "false", "domain": "", "help": "Export EPT."},
    {"name": "cog", "type": "bool", "value": "false", "domain": "", "help": "Cloud optimised."},
    {"name": "gltf", "type": "bool", "value": "false", "domain": "", "help": "Binary glTF."},
]


class StubNode:
    """Speaks enough of NodeODM for the gateway. Tasks stay RUNNING until the test says otherwise.

    `hooks` maps an endpoint (info, options, init, upload, commit, task, output, download, cancel, remove, restart) to a
    callable that is given the handler: it returns None to go on as usual, or has answered and returns True.
    """

    def __init__(self, slots=1):
        self.about = {
            "version": "2.2.4", "taskQueueCount": 0, "maxImages": None, "maxParallelTasks": slots,
            "totalMemory": 8 << 30, "availableMemory": 4 << 30, "cpuCores": 4, "engine": "odm", "engineVersion": "3.6.0",
        }
        self.option_list = OPTIONS
        self.areas = {}
        self.tasks = {}
        self.starts = []
        self.discarded = []
        self.requests = []
        self.hooks = {}
        self.archive = b"PK\x05\x06" + bytes(18)
        self.lock = threading.RLock()
        self.released = threading.Event()
        node = self

        class Handler(_Handler):
            stub = node

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # Peers that vanish are part of the tests.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count(self, endpoint):
        with self.lock:
            return self.requests.count(endpoint)

    def running(self):
        with self.lock:
            return sum(1 for task in self.tasks.values() if task["status"]["code"] in (10, 20))

    def only_task(self, seconds=30.0):
        """The one task that was started here, once there is one."""
        eventually("a task on the stub node", lambda: self.tasks, seconds)
        with self.lock:
            return next(iter(self.tasks.values()))

    def end(self, code=40):
        """Ends every running task."""
        with self.lock:
            for task in self.tasks.values():
                if task["status"]["code"] in (10, 20):
                    task["status"] = {"code": code}
                    task["progress"] = 100
                    task["processingTime"] = 1000

    def close(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send_json(self, value, status=200):
        self.send_bytes(value if isinstance(value, bytes) else json.dumps(value).encode(), status, "application/json")

    def send_bytes(self, data, status=200, kind="application/octet-stream", more=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = bytearray()
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return bytes(data)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def fields(self):
        """Form fields, and (name, filename, bytes) of files."""
        kind, data = self.headers.get("Content-Type", ""), self.body()
        if kind.startswith("multipart/form-data"):
            message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
                b"Content-Type: " + kind.encode() + b"\r\n\r\n" + data)
            fields, files = {}, []
            for part in message.iter_parts():
                name = part.get_param("name", header="Content-Disposition")
                if part.get_filename() is None:
                    fields[name] = part.get_payload(decode=True).decode()
                else:
                    files.append((name, part.get_filename(), part.get_payload(decode=True)))
            return fields, files
        if kind.startswith("application/json"):
            return json.loads(data or b"{}"), []
        return dict(urllib.parse.parse_qsl(data.decode())), []

    def do_GET(self):
        self._route()

    do_HEAD = do_POST = do_GET

    def _route(self):
        path = urllib.parse.urlsplit(self.path)
        words = [word for word in path.path.split("/") if word]
        self.query = dict(urllib.parse.parse_qsl(path.query, keep_blank_values=True))
        endpoint, self.uuid = self._endpoint(words)
        with self.stub.lock:
            self.stub.requests.append(endpoint)
        hook = self.stub.hooks.get(endpoint)
        if hook and hook(self):
            return
        with contextlib.suppress(ConnectionError):
            getattr(self, f"on_{endpoint}")()

    @staticmethod
    def _endpoint(words):
        if words[:2] == ["task", "new"]:
            return (words[2] if len(words) > 2 else "new"), (words[3] if len(words) > 3 else None)
        if words[:1] == ["task"] and len(words) == 2:
            return words[1], None
        if words[:1] == ["task"] and len(words) >= 3:
            return {"info": "task"}.get(words[2], words[2]), words[1]
        return (words[0] if words else "page"), None

    def __getattr__(self, name):
        if name.startswith("on_"):
            return lambda: self.send_json({"error": "unknown path"}, 404)
        raise AttributeError(name)

    def on_info(self):
        answer = dict(self.stub.about)
        if answer["taskQueueCount"] == 0:
            answer["taskQueueCount"] = self.stub.running()
        self.send_json(answer)

    def on_options(self):
        self.send_json(self.stub.option_list)

    def on_list(self):
        self.send_json([{"uuid": uuid} for uuid in self.stub.tasks])

    def on_init(self):
        fields, _ = self.fields()
        uuid = self.headers.get("set-uuid") or str(uuids.uuid4())
        with self.stub.lock:
            if uuid in self.stub.tasks:
                return self.send_json({"error": f"Invalid set-uuid: {uuid}"})
            try:
                options = json.loads(fields.get("options") or "[]")
            except ValueError as error:
                if self.stub.areas.pop(uuid, None) is not None:
                    self.stub.discarded.append(uuid)
                return self.send_json({"error": str(error)})
            area = self.stub.areas.setdefault(uuid, {"files": []})
            area.update(fields=fields, options=options)
        return self.send_json({"uuid": uuid})

    def on_upload(self):
        if self.uuid not in self.stub.areas:
            self.close_connection = True
            return self.send_json({"error": "Invalid uuid (not found)"})
        _, files = self.fields()
        with self.stub.lock:
            self.stub.areas[self.uuid]["files"] += [(name, data) for _, name, data in files]
        return self.send_json({"success": True})

    def on_commit(self):
        self.body()
        with self.stub.lock:
            area = self.stub.areas.pop(self.uuid, None)
            if area is None:
                return self.send_json({"error": "Invalid uuid (not found)"})
            pictures = [name for name, _ in area["files"] if not name.endswith((".txt", ".zip"))]
            self.stub.starts.append(self.uuid)
            self.stub.tasks[self.uuid] = {
                "uuid": self.uuid, "name": area["fields"].get("name", "task"), "dateCreated": int(time.time() * 1000),
                "processingTime": 10, "status": {"code": 20}, "options": area["options"], "imagesCount": len(pictures),
                "progress": 5, "lines": ["first line", "second line"], "files": area["files"],
                "fields": area["fields"],
            }
        return self.send_json({"uuid": self.uuid})

    def _task(self):
        task = self.stub.tasks.get(self.uuid)
        if task is None:
            self.send_json({"error": f"{self.uuid} not found"})
        return task

    def on_task(self):
        if task := self._task():
            answer = {key: value for key, value in task.items() if key not in ("lines", "files", "fields")}
            if "with_output" in self.query:
                answer["output"] = task["lines"][int(self.query["with_output"] or 0):]
            self.send_json(answer)

    def on_output(self):
        if task := self._task():
            self.send_json(task["lines"][int(self.query.get("line") or 0):])

    def on_download(self):
        if task := self._task():
            if task["status"]["code"] != 40:
                return self.send_json({"error": "Asset not ready"})
            self.send_bytes(self.stub.archive, kind="application/zip",
                            more=[("Content-Disposition", "attachment; filename=all.zip")])
        return None

    def _acting(self):
        fields, _ = self.fields()
        self.uuid = fields.get("uuid")
        task = self.stub.tasks.get(self.uuid)
        if task is None:
            self.send_json({"success": False, "error": f"{self.uuid} not found"})
        return task

    def on_cancel(self):
        if task := self._acting():
            task["status"] = {"code": 50}
            self.send_json({"success": True})

    def on_remove(self):
        if self._acting():
            with self.stub.lock:
                del self.stub.tasks[self.uuid]
            self.send_json({"success": True})

    def on_restart(self):
        if task := self._acting():
            task.update(status={"code": 20}, progress=0, lines=[], dateCreated=int(time.time() * 1000))
            self.send_json({"success": True})

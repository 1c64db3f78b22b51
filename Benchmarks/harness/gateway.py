"""The gateway under measurement, with a token listed and the access log on, and the little that a client does with it."""

import http.client
import json
import os
import pathlib
import re
import shutil
import uuid

from .processes import PROXY_CORE, Program, wait_for

#: SHA-256 of the token `test`.
_TOKEN_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TOKEN = "test"

#: At `debug` each poll has its line, as each has one of nginx's: by default they are sampled.
LEVEL = "debug"

_INVENTORY = """
listen: 127.0.0.1:0
admin: {{listen: 127.0.0.1:0}}
database: sqlite:data/scaleodm.db
storage: {{directory: data/storage, sync: {sync}, min_free: 1MiB}}
log: {{format: json, level: {level}}}
scheduling: {{refresh: 1s}}
auth:
  required: true
  tokens:
    - name: bench
      sha256: {token}
drain: {{delay: 0s}}
backends:
"""


class Gateway(Program):
    """`scaleodm serve`, whose loops are as many as the cores it may use: one."""

    def __init__(self, folder, nodes, sync=False):
        folder = pathlib.Path(folder)
        folder.mkdir()
        (folder / "data").mkdir()
        self.storage = folder / "data/storage"
        text = _INVENTORY.format(sync=str(sync).lower(), token=_TOKEN_SHA256, level=LEVEL)
        for tier, node in enumerate(nodes):
            text += f"  - {{name: {node.name}, url: \"{node.url}\", tier: {tier}}}\n"
        (folder / "gateway.yaml").write_text(text)
        super().__init__("gateway", [os.environ["SCALEODM_BINARY"], "serve", "-c", "gateway.yaml"], PROXY_CORE, folder)
        self.port = int(wait_for("the gateway's start", self._listening)[1])
        wait_for("a look at the nodes", lambda: self.call("GET", "/info").get("maxImages") is not None)

    def _listening(self):
        self.check()
        return re.search(r"listening on http://[^ ]*:(\d+)", self.out.read_text())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def raw(self, method, path, body=None, kind=None):
        """Status and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, f"{path}?token={TOKEN}", body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def call(self, method, path, body=None, kind=None):
        """The JSON of one request."""
        status, text = self.raw(method, path, body, kind)
        answer = json.loads(text)
        if status != 200 or "error" in answer:
            raise RuntimeError(f"{method} {path}: {status} {text}")
        return answer

    def open_upload(self):
        """A task's uuid that files can be sent to."""
        fields = _form([("name", None, b"bench")])
        return self.call("POST", "/task/new/init", *fields)["uuid"]

    def commit(self, task):
        self.call("POST", f"/task/new/commit/{task}")

    def await_end(self, task, seconds=20):
        def ended():
            status = self.call("GET", f"/task/{task}/info")["status"]
            if status["code"] not in (10, 20, 40):
                raise RuntimeError(f"the task ended with {status}")
            return status["code"] == 40

        wait_for(f"task {task}", ended, seconds)

    def completed_task(self, images):
        """A finished task of so many images; their number decides which node has it."""
        task = self.open_upload()
        parts = [("images", f"{number}.jpg", b"image") for number in range(images)]
        self.call("POST", f"/task/new/upload/{task}", *_form(parts))
        self.commit(task)
        self.await_end(task)
        return task

    def drop_upload(self, task):
        """Takes an upload's files off the disk before the system writes them out: the next run starts even."""
        shutil.rmtree(self.storage / task.lower(), ignore_errors=True)

    def stored_bytes(self, task):
        return sum(path.stat().st_size for path in (self.storage / task.lower()).rglob("*") if path.is_file())


def _form(parts):
    """Body and content type of a form."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, filename, data in parts:
        file = f'; filename="{filename}"' if filename else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"

"""A receiver of webhooks, and a small file server: it answers as it is told and keeps what it got."""

import http.server
import json
import threading

from .waiting import eventually


class Receiver:
    """Answers POSTs with the statuses of `script` in turn (its last one for ever) and GETs from `files`."""

    def __init__(self, script=(200,)):
        self.script = list(script)
        self.received = []
        self.files = {}
        self._lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    body = b""
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with receiver._lock:
                    status = receiver.script.pop(0) if len(receiver.script) > 1 else receiver.script[0]
                    receiver.received.append({"status": status, "path": self.path, "headers": dict(self.headers),
                                              "body": body})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                data = receiver.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # A client that leaves early is part of some tests.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_for(self, count, seconds=30.0):
        eventually(f"{count} webhook posts", lambda: len(self.received) >= count, seconds)
        return self.received

    def bodies(self):
        return [json.loads(post["body"]) for post in self.received]

    def close(self):
        self._server.shutdown()
        self._server.server_close()

"""An HTTP/1.1 server over a function from request to reply, with faults between the two.

A thread a connection: streams that wait for minutes then need no event loop, and every part stays plain to read.
"""

from __future__ import annotations

import http.client
import http.server
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from .clock import Clock
from .faults import FaultTable
from .journal import Journal
from .messages import CaseInsensitive, Reply, Request


class Server:
    """Serves `answer` on 127.0.0.1. Without a fault table and a journal it is a plain, well-behaved server."""

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0, *, faults: FaultTable | None = None,
                 journal: Journal | None = None, clock: Clock | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.faults = faults
        self.journal = journal
        self.clock = clock or Clock()
        self.tls = tls
        self._wanted_port = port
        self._listener: _Listener | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        #: "" or how the network is cut: "refuse" (nothing listens) or "hang" (connections open and stay mute).
        self.partition = ""

    @property
    def port(self) -> int:
        return self._wanted_port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._listener = _Listener(("127.0.0.1", self._wanted_port), self)
        self._wanted_port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Closes the listener and every connection; the port is kept for a later start."""
        if self._listener:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            reset(connection)

    def cut(self, partition: str) -> None:
        """Cuts the network ("refuse", "hang") or heals it ("")."""
        if partition not in ("", "refuse", "hang"):
            raise ValueError(f"a partition is '', 'refuse' or 'hang', not {partition!r}")
        self.partition = partition
        self.stop()
        if partition != "refuse":
            self.start()

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)


def reset(connection: socket.socket) -> None:
    """Closes with a TCP reset, as a crashed peer does: the other side can't take it for an orderly end."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # It was closed already.


class _Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], owner: Server) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


class _Dropped(Exception):
    """The connection ends here, on purpose."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        owner = self.server.owner
        owner.opened(self.request)
        self._raw = self.request
        while owner.partition == "hang":
            time.sleep(0.05)
            if self._raw.fileno() < 0:
                raise ConnectionResetError
        if owner.tls:
            # Here and not at accept: a client that stalls in its handshake must not hold up the others.
            self.request.settimeout(30)
            self.request = owner.tls.wrap_socket(self.request, server_side=True)
            self.request.settimeout(None)
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.owner.closed(self._raw)

    def log_message(self, format: str, *args: Any) -> None:
        """The journal keeps what matters."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        try:
            self._respond(Request.from_target(self.command, self.path, CaseInsensitive(self.headers.items()), self._read_body()))
        except (_Dropped, ConnectionError, ssl.SSLError):
            reset(self._raw)
            self.close_connection = True

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _respond(self, request: Request) -> None:
        owner = self.server.owner
        effects = owner.faults.take(request.method, request.path) if owner.faults else {}
        entry = owner.journal.request(request.method, request.path, request.query) if owner.journal else {}
        entry["fault"] = effects
        reply = self._spoilt_reply(request, effects)
        entry["status"] = reply.status
        if effects.get("drop") == "after":
            raise _Dropped
        if "contentType" in effects:
            reply.headers["Content-Type"] = effects["contentType"]
        self._send(reply, effects)

    def _spoilt_reply(self, request: Request, effects: dict[str, Any]) -> Reply:
        """The service's reply, or what takes its place."""
        if effects.get("delay"):
            time.sleep(effects["delay"])
        if effects.get("hang"):
            threading.Event().wait(3600)
        if effects.get("drop") == "before":
            raise _Dropped
        replaced = "status" in effects
        reply = Reply() if replaced and not effects.get("after") else self.server.owner.answer(request)
        if replaced:
            reply = Reply.of_text(effects.get("body", ""), effects["status"])
            reply.headers |= effects.get("headers", {})
        return reply

    def _send(self, reply: Reply, effects: dict[str, Any]) -> None:
        if reply.stream is not None:
            self._send_stream(reply, effects)
        elif effects.get("partialChunk"):
            self._send_head(reply, {"Transfer-Encoding": "chunked"})
            self.wfile.write(b"%x\r\n" % (2 * len(reply.body) + 2) + reply.body)
            raise _Dropped
        else:
            bodiless = self.command == "HEAD" or reply.status in (204, 304)
            body = b"" if bodiless else reply.body[:effects.get("truncate", len(reply.body))]
            length = {} if reply.status == 204 else {"Content-Length": reply.headers.get("Content-Length", str(len(reply.body)))}
            self._send_head(reply, length, body)
            if len(body) < len(reply.body) and not bodiless:
                raise _Dropped

    def _send_stream(self, reply: Reply, effects: dict[str, Any]) -> None:
        framing = {"Transfer-Encoding": "chunked"}
        head_sent = reply.head_first
        if head_sent:
            self._send_head(reply, framing)
        left = effects.get("cutAfter")
        for chunk in reply.stream or ():
            if not head_sent:
                head_sent = True
                self._send_head(reply, framing)
            if left is not None:
                if left == 0:
                    raise _Dropped
                left -= 1
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if not head_sent:
            self._send_head(reply, framing)
        self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, reply: Reply, framing: dict[str, str], body: bytes = b"") -> None:
        """Head and body leave in one write: two would cost a round trip where a client delays its acknowledgements."""
        fields = {"Date": self.server.owner.clock.http_date(), **reply.headers, **framing}
        if self.close_connection:
            fields["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {http.client.responses.get(reply.status, '')}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

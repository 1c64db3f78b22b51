"""GET /api/events as a client reads it: chunks of HTTP, and in them server-sent events (WHATWG HTML, 9.2.6)."""

import json
import queue
import socket
import threading
import urllib.parse

from .waiting import NotYet


class Event:
    def __init__(self, fields):
        self.name = fields["event"]
        self.number = int(fields["id"])
        self.data = json.loads(fields["data"])

    def __repr__(self):
        return f"{self.number} {self.name} {self.data}"


class Events:
    """An open stream, read on a thread of its own; a context manager."""

    def __init__(self, gateway, token=None):
        parts = urllib.parse.urlsplit(gateway.admin_url)
        self.seen = []
        self.comments = 0
        #: Whether the answer came to its proper end; None while it goes on.
        self.complete = None
        self._queue = queue.Queue()
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._file = self._socket.makefile("rb")
        allowed = f"Authorization: Bearer {token}\r\n" if token else ""
        self._socket.sendall(f"GET /api/events HTTP/1.1\r\nHost: {parts.netloc}\r\n{allowed}\r\n".encode())
        self.status = int(self._file.readline().split()[1])
        self.fields = self._head()
        if self.status == 200:
            threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The gateway was first.
        self._socket.close()

    def body(self):
        """The JSON of an answer that is no stream."""
        return json.loads(self._file.read(int(self.fields["content-length"])))

    def _head(self):
        fields = {}
        while line := self._file.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return fields

    def _read(self):
        try:
            self._parse()
        except (OSError, ValueError):
            pass  # Cut short, or closed by the test.
        self.complete = bool(self.complete)
        self._queue.put(None)

    def _parse(self):
        text = b""
        while size := int(self._file.readline(), 16):
            text += self._file.read(size)
            self._file.readline()
            *blocks, text = text.split(b"\n\n")
            for block in blocks:
                self._take(block.decode())
        self.complete = True

    def _take(self, block):
        if block.startswith(":"):
            self.comments += 1
            return
        self._queue.put(Event(dict(line.split(": ", 1) for line in block.split("\n"))))

    def wait(self, what, condition=lambda event: True, seconds=30.0):
        """The next event for which `condition` is true; all that came are in `seen`."""
        while True:
            try:
                event = self._queue.get(timeout=seconds)
            except queue.Empty:
                raise NotYet(f"{what}: not within {seconds} s; seen {self.seen[-10:]}") from None
            if event is None:
                raise NotYet(f"{what}: the stream ended; seen {self.seen[-10:]}")
            self.seen.append(event)
            if condition(event):
                return event

    def wait_for_end(self, seconds=30.0):
        """Waits until the stream ends.

        Returns whether it came to its proper end.
        """
        while self._queue.get(timeout=seconds) is not None:
            pass
        return self.complete

"""HTTP by hand: what a client library would never send."""

import json
import socket


def multipart(parts, boundary="----conformance-boundary"):
    """A multipart body and its content type.

    A part is (name, value) for a field, (name, filename, bytes) for a file, or bytes taken as they are.
    """
    body = bytearray()
    for part in parts:
        body += b"--" + boundary.encode() + b"\r\n"
        if isinstance(part, (bytes, bytearray)):
            body += part
        elif len(part) == 2:
            body += f'Content-Disposition: form-data; name="{part[0]}"\r\n\r\n'.encode() + _bytes(part[1])
        else:
            body += f'Content-Disposition: form-data; name="{part[0]}"; filename="{part[1]}"\r\n'.encode()
            body += b"Content-Type: image/jpeg\r\n\r\n" + part[2]
        body += b"\r\n"
    body += b"--" + boundary.encode() + b"--\r\n"
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def _bytes(value):
    return value if isinstance(value, (bytes, bytearray)) else str(value).encode()


class Answer:
    """A response read to its end."""

    def __init__(self, status, fields, body, complete):
        self.status = status
        self.fields = fields
        self.body = body
        self.complete = complete

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:200]!r}{'' if self.complete else ' (cut short)'}>"


class Wire:
    """A connection on which bytes are sent as given; reads are bounded by a time-out."""

    def __init__(self, host, port, timeout=20.0, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.host = f"{host}:{port}"
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def head(self, method, path, fields=()):
        """Sends a request's head; a Host field is added."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *(f"{n}: {v}" for n, v in fields)]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def request(self, method, path, body=b"", fields=()):
        fields = list(fields)
        if body or method == "POST":
            fields.append(("Content-Length", len(body)))
        self.head(method, path, fields)
        self.send(body)
        return self.answer(head_only=method == "HEAD")

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise ConnectionError(f"closed in the middle of a head: {self.buffer[:200]!r}")
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def _exactly(self, count):
        while len(self.buffer) < count:
            if not self._more():
                data, self.buffer = self.buffer, b""
                return data, False
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data, True

    def closed_by_peer(self):
        """True when the peer closes (or resets) without a further byte; fails by time-out when it does neither."""
        try:
            return not self.buffer and not self._more()
        except ConnectionError:
            return True

    def answer_head(self):
        """Status and fields (names in lower case) of the next response."""
        status = int(self._line().split(" ")[1])
        fields = {}
        while True:
            line = self._line()
            if not line:
                return status, fields
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()

    def answer(self, head_only=False):
        """The next response, interim ones included, with its body."""
        status, fields = self.answer_head()
        if head_only or status < 200 or status in (204, 304):
            return Answer(status, fields, b"", True)
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while True:
                try:
                    size = int(self._line().split(";")[0], 16)
                except ConnectionError:
                    return Answer(status, fields, body, False)
                if size == 0:
                    while self._line():
                        pass
                    return Answer(status, fields, body, True)
                chunk, complete = self._exactly(size)
                body += chunk
                if not complete:
                    return Answer(status, fields, body, False)
                self._line()
        if "content-length" in fields:
            body, complete = self._exactly(int(fields["content-length"]))
            return Answer(status, fields, body, complete)
        while self._more():
            pass
        body, self.buffer = self.buffer, b""
        return Answer(status, fields, body, True)

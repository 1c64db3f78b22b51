"""A client for large bodies that takes as little of its core as can be: it neither copies nor looks at them.

    python3 -m harness.transfer download PORT TARGET
    python3 -m harness.transfer put|form PORT TARGET FILE

Prints the seconds from connect to the end of the answer, and how many bytes the body had.
"""

import os
import socket
import sys
import time

_BOUNDARY = "----harness-2718281828"


def download(port, target):
    """The body is dropped in the kernel (MSG_TRUNC on TCP), so that the client is no bottleneck."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head, rest = _head(connection)
        length = _length(head)
        left = length - len(rest)
        sink = bytearray(1 << 20)
        while left > 0:
            count = connection.recv_into(sink, min(left, len(sink)), socket.MSG_TRUNC)
            if count == 0:
                raise RuntimeError(f"the body ended {left} bytes early")
            left -= count
        return length


def put(port, target, path):
    return _send("PUT", port, target, path, b"", b"", {})


def form(port, target, path):
    """As multipart, like every client of NodeODM."""
    head = (f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="images"; filename="large.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n").encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
    return _send("POST", port, target, path, head, tail, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"})


def _send(method, port, target, path, before, after, fields):
    with open(path, "rb") as file, socket.create_connection(("127.0.0.1", port)) as connection:
        size = os.fstat(file.fileno()).st_size
        lines = {"Host": "bench", "Content-Length": len(before) + size + len(after), **fields}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items()) + "\r\n"
        connection.sendall(head.encode() + before)
        offset = 0
        while offset < size:
            offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)
        connection.sendall(after)
        head, rest = _head(connection)
        body = rest
        while len(body) < _length(head):
            body += connection.recv(65536)
        if b"error" in body:
            raise RuntimeError(body.decode(errors="replace"))
        return size


def _head(connection):
    """The answer's head, and what came behind it; an answer that isn't 2xx is an error."""
    data = b""
    while b"\r\n\r\n" not in data:
        # Little at a time, so that hardly any of the body is copied.
        piece = connection.recv(4096)
        if not piece:
            raise RuntimeError(f"the connection ended within the head: {data!r}")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(data.decode(errors="replace"))
    return head, rest


def _length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


if __name__ == "__main__":
    kind, port, *rest = sys.argv[1:]
    begin = time.perf_counter()
    count = {"download": download, "put": put, "form": form}[kind](int(port), *rest)
    print(time.perf_counter() - begin, count)

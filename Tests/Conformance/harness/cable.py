"""A network cable between two programs, which a test can cut, block, or cut after so many bytes."""

import re
import socket
import struct
import threading
import time

from .waiting import eventually


class _Pair:
    """One connection through the cable: two sockets and a thread a direction."""

    def __init__(self, cable, client, server):
        self.cable = cable
        self.client = client
        self.server = server
        self.ended = threading.Event()
        self.client_left = False
        self._directions = 2

    def start(self):
        threading.Thread(target=self._pump, args=(self.client, self.server, "up"), daemon=True).start()
        threading.Thread(target=self._pump, args=(self.server, self.client, "down"), daemon=True).start()

    def _pump(self, source, target, direction):
        try:
            while True:
                data = source.recv(65536)
                time.sleep(self.cable._pause)
                self.cable._open.wait()
                if self.ended.is_set():
                    return
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    if direction == "up":
                        self.cable._note_client_left(self)
                    self._done()
                    return
                verdict = self.cable._passing(self, direction, data)
                if verdict > 0:
                    self._send(target, data[:verdict], direction)
                if verdict < len(data):
                    self.reset()
                    return
        except OSError:
            if direction == "up":
                self.cable._note_client_left(self)
            self.reset()

    def _done(self):
        """One direction has come to its end; with the other the connection is over."""
        with self.cable._lock:
            self._directions -= 1
            is_over = self._directions == 0
        if is_over:
            self.ended.set()
            self.client.close()
            self.server.close()

    def _send(self, target, data, direction):
        """Sends on; a client that is gone shows here first when it left with unread data."""
        try:
            target.sendall(data)
        except OSError:
            if direction == "down":
                self.cable._note_client_left(self)
            raise

    def reset(self):
        """Ends both sides with a reset."""
        self.ended.set()
        for end in (self.client, self.server):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


class Cable:
    """Listens on a port of its own and forwards to `port` on loopback."""

    def __init__(self, port):
        self._target = port
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._pairs = []
        self._refusing = False
        self._pause = 0.0
        self._limits = {}
        self._lose_answer_to = None
        #: The connection whose next answer gets lost.
        self._losing = None
        self._instead = None
        self.clients_left = 0
        self.seen = {"up": 0, "down": 0}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            if self._instead is not None:
                threading.Thread(target=self._answer_instead, args=(client, self._instead), daemon=True).start()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = _Pair(self, client, server)
            with self._lock:
                self._pairs = [p for p in self._pairs if not p.ended.is_set()] + [pair]
            pair.start()

    @staticmethod
    def _answer_instead(client, answer):
        """Reads one request and answers it with these bytes."""
        try:
            client.settimeout(10)
            request = b""
            while b"\r\n\r\n" not in request:
                data = client.recv(65536)
                if not data:
                    return
                request += data
            head, _, body = request.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
            left = int(length.group(1)) - len(body) if length else 0
            while left > 0 and (data := client.recv(65536)):
                left -= len(data)
            client.sendall(answer)
        except OSError:
            pass  # Whoever asked has gone.
        finally:
            client.close()

    def _passing(self, pair, direction, data):
        """How many of these bytes go on; fewer than all means: reset after them."""
        with self._lock:
            self.seen[direction] += len(data)
            if direction == "up" and self._lose_answer_to and self._lose_answer_to in data:
                self._losing, self._lose_answer_to = pair, None
                return len(data)
            if direction == "down" and self._losing is pair:
                self._losing = None
                return 0
            if direction in self._limits:
                left = self._limits[direction]
                self._limits[direction] = max(0, left - len(data))
                if left <= len(data):
                    del self._limits[direction]
                    return left
        return len(data)

    def _note_client_left(self, pair):
        """Counts a pair once, whichever of its two threads sees the client gone."""
        with self._lock:
            if not pair.client_left:
                pair.client_left = True
                self.clients_left += 1

    def block(self):
        """Nothing passes any more, and nobody is told: a link that is down."""
        self._open.clear()

    def unblock(self):
        self._open.set()

    def slow_down(self, seconds):
        """So long is each piece on its way; 0: as fast as it gets."""
        self._pause = seconds

    def answer_instead(self, answer):
        """From now on each connection gets these bytes for its first request, and ends: a server that is too busy. None ends that."""
        self._instead = answer
        if answer is not None:
            self.reset()

    def cut(self):
        """Resets all connections, and every new one ends at once."""
        self._refusing = True
        self.reset()

    def mend(self):
        self._refusing = False
        self._open.set()

    def reset(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.reset()

    def cut_once_after(self, count, direction="down"):
        """Resets the connection that carries the next `count` bytes in a direction, once."""
        with self._lock:
            self._limits[direction] = count

    def lose_answer_to(self, beginning):
        """The next request that contains `beginning` reaches the server; its answer does not come back, once."""
        with self._lock:
            self._lose_answer_to = beginning

    @property
    def open_connections(self):
        with self._lock:
            return sum(1 for pair in self._pairs if not pair.ended.is_set())

    def wait_until_seen(self, direction, count, seconds=30.0):
        return eventually(f"{count} bytes {direction}", lambda: self.seen[direction] >= count, seconds, 0.005)

    def close(self):
        self._open.set()
        self._listener.close()
        self.reset()

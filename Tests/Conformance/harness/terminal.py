"""A program on a terminal: what it draws is kept, keys can be pressed, and its screen lines can be waited for."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time

from .programs import INHERITED


class Terminal:
    """A child process whose standard input, output and error are one pseudo-terminal, which it controls."""

    def __init__(self, command, cwd=None, environment=None, columns=100):
        self.text = ""
        self._changed = threading.Condition()
        self._ended = False
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=slave, stdout=slave, stderr=slave, cwd=cwd, start_new_session=True,
            env={**INHERITED, "TERM": "xterm", **(environment or {})},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # The other end is closed.
                data = b""
            with self._changed:
                self.text += data.decode("utf-8", "replace")
                self._ended = not data
                self._changed.notify_all()
            if not data:
                return

    def wait_for(self, pattern, seconds=30.0):
        """The match of `pattern` in all that was drawn so far."""
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                match = wanted.search(self.text)
                if match:
                    return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(f"it did not show {pattern!r}:\n{self.text}")
                self._changed.wait(left)

    def press(self, keys):
        """Types something; `\\x03` is Ctrl-C."""
        os.write(self._master, keys.encode())

    def wait(self, seconds=30.0):
        """Its exit code."""
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(10)
        os.close(self._master)

"""Ports that a program finds free again when it is started anew."""

import random
import socket

#: Below those that Linux gives to outgoing connections (32768 and up): one of them may have a port by the time its program is back.
RANGE = range(12_000, 32_000)

#: Not the one of `random`, which tests may seed: several suites at a time must choose differently.
_choice = random.SystemRandom()


def free_port():
    """A loopback port that nobody listens on."""
    for _ in range(200):
        port = _choice.choice(RANGE)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")

"""Clusters inside the test's own process."""

from __future__ import annotations

import contextlib

from argo_simulator.__main__ import arguments, make_cluster, make_servers
from client import Client
from simulator_kit.testing import SimulatorThreads

#: Short times; the manifests' own (back-off of 60 s, TTL of a day) shrink a thousandfold.
FAST = ("--accept-seconds", 0.02, "--pending-seconds", 0.02, "--pod-seconds", 0.02, "--run-seconds", 0.2,
         "--time-scale", 0.001, "--parallelism", 100)


class Clusters:
    """Clusters inside this process, and their end."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()

    def start(self, *flags: object) -> Client:
        options = arguments([str(word) for word in (*FAST, *flags)])
        cluster = make_cluster(options)
        cluster.controller.start()
        self._closing.callback(cluster.controller.stop)
        threads = SimulatorThreads(*make_servers(options, cluster))
        self._closing.callback(threads.stop)
        return Client(threads)

    def stop(self) -> None:
        self._closing.close()

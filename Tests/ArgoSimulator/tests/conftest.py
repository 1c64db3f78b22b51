"""Fixtures: simulated clusters as processes, a client that hides nothing, and S3 where containers really run."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import sys
import time

import pytest

_TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "SimulatorKit"), str(_TESTS / "ArgoSimulator"), str(pathlib.Path(__file__).parent)]

from argo_simulator.__main__ import arguments, make_cluster, make_servers  # noqa: E402
from client import Client  # noqa: E402
from simulator_kit.bucket import Storage  # noqa: E402
from simulator_kit.testing import SimulatorProcess, SimulatorThreads, eventually  # noqa: E402

#: Short times; the manifests' own (back-off of 60 s, TTL of a day) shrink a thousandfold.
_FAST = ("--accept-seconds", 0.02, "--pending-seconds", 0.02, "--pod-seconds", 0.02, "--run-seconds", 0.2,
         "--time-scale", 0.001, "--parallelism", 100)


class Clusters:
    """Clusters inside this process, and their end."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()

    def start(self, *flags: object) -> Client:
        options = arguments([str(word) for word in (*_FAST, *flags)])
        cluster = make_cluster(options)
        cluster.controller.start()
        self._closing.callback(cluster.controller.stop)
        threads = SimulatorThreads(*make_servers(options, cluster))
        self._closing.callback(threads.stop)
        return Client(threads)

    def stop(self) -> None:
        self._closing.close()


@pytest.fixture(scope="session")
def shared():
    """The program, for every test that needs no knobs of its own."""
    process = SimulatorProcess("argo_simulator", _TESTS / "ArgoSimulator", *_FAST)
    yield Client(process)
    assert process.stop() == 0, "\n".join(process.lines)
    assert not any("Traceback" in line for line in process.lines), "\n".join(process.lines)


@pytest.fixture
def cluster(shared: Client):
    yield shared
    shared.process.clear_faults()


@pytest.fixture
def clusters():
    """For tests that need a cluster of their own: `clusters.start("--archive")`."""
    clusters = Clusters()
    yield clusters
    clusters.stop()


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """rclone's S3 server, which checks signatures, with one bucket `data`."""
    root = tmp_path_factory.mktemp("s3")
    (root / "data").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [pathlib.Path(sys.executable).parent / "rclone", "serve", "s3", "--addr", f"127.0.0.1:{port}",
         "--auth-key", "key-id,key-secret", "--vfs-cache-mode", "off", root], stderr=subprocess.DEVNULL)
    eventually("rclone's S3 server listens", lambda: _listens(port))
    yield Storage(f"http://127.0.0.1:{port}", "key-id", "key-secret")
    process.terminate()
    process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def name(request) -> str:
    """A workflow name of this test alone."""
    return f"odm-pipeline-{abs(hash((request.node.nodeid, time.time_ns()))) % 10**10:010d}"

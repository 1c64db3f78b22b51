"""Fixtures: simulated clusters as processes, a client that hides nothing, and S3 where containers really run."""

from __future__ import annotations

import pathlib
import sys
import time

import pytest

_TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "SimulatorKit"), str(_TESTS / "ArgoSimulator"), str(pathlib.Path(__file__).parent)]

from client import Client  # noqa: E402
from clusters import FAST, Clusters  # noqa: E402
from simulator_kit.testing import RcloneServer, SimulatorProcess  # noqa: E402


@pytest.fixture(scope="session")
def shared():
    """The program, for every test that needs no knobs of its own."""
    process = SimulatorProcess("argo_simulator", _TESTS / "ArgoSimulator", *FAST)
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
    server = RcloneServer(tmp_path_factory.mktemp("s3"), "data")
    yield server.storage
    server.stop()


@pytest.fixture
def name(request) -> str:
    """A workflow name of this test alone."""
    return f"odm-pipeline-{abs(hash((request.node.nodeid, time.time_ns()))) % 10**10:010d}"

"""Fixtures: simulated ScaleODM instances over rclone's S3 server."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import uuid

import pytest

_TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "SimulatorKit"), str(_TESTS / "ScaleODMSimulator"), str(pathlib.Path(__file__).parent)]

from scaleodm_client import ScaleODM  # noqa: E402
from scaleodm_simulator.__main__ import arguments, make_instance, make_servers  # noqa: E402
from simulator_kit.bucket import Place  # noqa: E402
from simulator_kit.testing import RcloneServer, SimulatorThreads  # noqa: E402


@pytest.fixture(scope="session")
def _s3(tmp_path_factory):
    server = RcloneServer(tmp_path_factory.mktemp("s3"), "data")
    yield server.storage
    server.stop()


@pytest.fixture
def storage(_s3):
    return _s3


@pytest.fixture
def start(storage):
    """Starts an instance: `start("--ui")`."""
    with contextlib.ExitStack() as closing:
        def begin(*flags: object) -> ScaleODM:
            s3 = ["--s3-endpoint", storage.endpoint, "--s3-access-key", storage.access_key,
                  "--s3-secret-key", storage.secret_key, "--queue-seconds", "0.02", "--run-seconds", "0.1"]
            options = arguments([*s3, *map(str, flags)])
            instance = make_instance(options)
            instance.timers.start()
            closing.callback(instance.timers.stop)
            threads = SimulatorThreads(*make_servers(options, instance))
            closing.callback(threads.stop)
            return ScaleODM(threads)

        yield begin


@pytest.fixture
def instance(start):
    return start()


@pytest.fixture
def source(storage):
    """A prefix with three images and a file that is none."""
    place = Place("data", f"{uuid.uuid4()}/")
    for name in ("a.jpg", "b.JPG", "c.tif", "gcp_list.txt"):
        storage.put(place, name, b"image")
    return place

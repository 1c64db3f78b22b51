"""With `--state` a cluster comes back after a kill as it was."""

from __future__ import annotations

import pathlib

import pytest
from client import Client
from clusters import FAST
from manifests import pipeline
from simulator_kit.testing import SimulatorProcess, eventually

_FOLDER = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def start(tmp_path):
    """Starts the program over one folder, as often as it is called."""
    lives = []

    def begin(*flags):
        lives.append(SimulatorProcess("argo_simulator", _FOLDER, *FAST, "--state", tmp_path / "state", *flags))
        return Client(lives[-1])

    yield begin
    if lives[-1].process.poll() is None:
        assert lives[-1].stop() == 0
    assert not [line for life in lives for line in life.lines if "Traceback" in line]


def test_what_ran_goes_on_and_is_no_new_start(start):
    cluster = start("--run-seconds", 3600)
    cluster.submit(pipeline("long"))
    eventually("it runs", lambda: cluster.process.effects("started") == {"long": 1})
    cluster.process.kill()
    cluster = start()
    assert cluster.wait("long")["status"]["phase"] == "Succeeded"
    assert cluster.process.effects("started") == {"long": 1} and cluster.process.effects("created") == {"long": 1}
    # The exit handler's pod is the second.
    assert cluster.process.effects("podStarted") == {"long": 2}


def test_what_waited_begins_then(start):
    cluster = start("--parallelism", 1, "--run-seconds", 3600)
    cluster.submit(pipeline("first"))
    cluster.wait("first", "Running")
    cluster.submit(pipeline("second"))
    cluster.wait("second", "Pending")
    cluster.process.kill()
    cluster = start("--parallelism", 1)
    for name in ("first", "second"):
        assert cluster.wait(name)["status"]["phase"] == "Succeeded"
    assert cluster.process.effects("started") == {"first": 1, "second": 1}


def test_what_had_ended_and_what_was_deleted_stays_so(start):
    cluster = start()
    for name in ("kept", "gone"):
        cluster.submit(pipeline(name))
        cluster.wait(name)
    assert cluster.kube("DELETE", "gone").status_code == 200
    cluster.process.kill()
    cluster = start()
    assert cluster.phase("kept") == "Succeeded" and cluster.names() == ["kept"]


def test_watches_from_before_are_refused(start):
    cluster = start()
    cluster.submit(pipeline("one"))
    version = cluster.wait("one")["metadata"]["resourceVersion"]
    cluster.process.kill()
    cluster = start()
    answer = cluster.kube("GET", params={"watch": "true", "resourceVersion": version}, stream=True)
    assert "too old" in next(answer.iter_lines(chunk_size=1)).decode() or answer.status_code == 410

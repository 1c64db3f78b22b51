"""With `--state` an instance comes back after a kill as it was."""

from __future__ import annotations

import pathlib

import pytest
from scaleodm_client import ScaleODM
from simulator_kit.testing import SimulatorProcess, eventually

_FOLDER = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def begin(tmp_path, storage):
    """Starts the program over one folder, as often as it is called."""
    lives = []

    def begin(*flags):
        s3 = ("--s3-endpoint", storage.endpoint, "--s3-access-key", storage.access_key, "--s3-secret-key", storage.secret_key)
        lives.append(SimulatorProcess("scaleodm_simulator", _FOLDER, *s3, "--state", tmp_path / "state", *flags))
        return ScaleODM(lives[-1])

    yield begin
    if lives[-1].process.poll() is None:
        assert lives[-1].stop() == 0
    assert not [line for life in lives for line in life.lines if "Traceback" in line]


def test_what_ran_goes_on_and_is_no_new_start(begin, source):
    instance = begin("--run-seconds", 3600)
    uuid = instance.submit(name="field", readS3Path=source.url)
    eventually("it runs", lambda: instance.process.effects("started") == {uuid: 1})
    instance.process.kill()
    instance = begin("--run-seconds", 0.1)
    assert instance.wait(uuid, 40)["name"] == "field"
    for counter, subject in (("created", uuid), ("started", uuid), ("startedFor", source.url), ("ended", uuid)):
        assert instance.process.effects(counter) == {subject: 1}


def test_what_waited_begins_and_what_was_removed_is_gone(begin, source):
    instance = begin("--queue-seconds", 3600)
    waiting, removed = (instance.submit(readS3Path=source.url) for _ in range(2))
    assert instance.post("/task/remove", {"uuid": removed}).json() == {"success": True}
    instance.process.kill()
    instance = begin("--queue-seconds", 0.02, "--run-seconds", 0.1)
    assert instance.wait(waiting, 40)
    assert instance.get(f"/task/{removed}/info").status_code == 404
    assert instance.process.effects("started") == {waiting: 1}

"""The gateway's storage: a disk that runs full, and a folder that isn't the gateway's."""

import os
import subprocess
import time

import pytest

from harness.api import error_of
from harness.images import jpeg
from harness.waiting import eventually
from harness.wire import multipart

pytestmark = pytest.mark.only("gateway")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", tmp_path], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount a file system here")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def upload(gateway, uuid, name, data):
    """Status and JSON of an upload, also where the answer comes while we still send."""
    body, kind = multipart([("images", name, data)])
    with gateway.api.wire() as wire:
        wire.head("POST", f"/task/new/upload/{uuid}", [("Content-Type", kind), ("Content-Length", len(body))])
        try:
            wire.send(body)
        except ConnectionError:
            pass
        answer = wire.answer()
        assert answer.fields["content-type"].startswith("application/json")
        return answer.status, answer.json()


def stored(folder, uuid):
    return sorted(path.stat().st_size for path in (folder / "storage").rglob("*") if path.is_file() and uuid in str(path))


def test_an_upload_below_the_reserve(world, profile, small_disk):
    storage = {"directory": str(small_disk / "storage"), "min_free": "4MiB"}
    gateway = world.gateway([world.node(task_seconds=0.2)], {"storage": storage})
    uuid = gateway.api.init()["uuid"]
    assert upload(gateway, uuid, "first.jpg", bytes(5 << 20)) == (200, {"success": True})
    status, answer = upload(gateway, uuid, "second.jpg", bytes(1000))
    assert status == 503 and "storage.min_free" in error_of(answer)
    assert stored(small_disk, uuid) == [5 << 20]
    response = gateway.api.post("/task/new", files={"images": ("a.jpg", b"x")})
    assert response.status_code == 503 and "storage.min_free" in error_of(response.json())
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid, 40)["imagesCount"] == 1


def test_a_disk_that_runs_full_in_the_middle_of_an_upload(world, profile, small_disk):
    storage = {"directory": str(small_disk / "storage"), "min_free": "0B"}
    gateway = world.gateway([world.node(task_seconds=0.2)], {"storage": storage})
    uuid = gateway.api.init()["uuid"]
    assert upload(gateway, uuid, "first.jpg", jpeg(1)) == (200, {"success": True})
    status, answer = upload(gateway, uuid, "large.jpg", bytes(20 << 20))
    assert status == 503 and "try again" in error_of(answer)
    assert stored(small_disk, uuid) == [len(jpeg(1))], "nothing of it is kept"
    assert upload(gateway, uuid, "second.jpg", bytes(4 << 20)) == (200, {"success": True})
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid, 40)["imagesCount"] == 2


def test_a_folder_that_is_not_ours(world, profile, photos):
    gateway = world.gateway([world.node()])
    ours, away = gateway.storage_folder, gateway.data_folder / "away"
    gateway.kill()
    ours.rename(away)
    gateway.start()
    uuid = gateway.api.ready(photos[:1])
    assert (ours / ".scaleodm-storage").read_text() == (away / ".scaleodm-storage").read_text(), "no file was recorded yet"
    gateway.kill()
    ours.rename(gateway.data_folder / "later")
    gateway.start(wait=False)
    eventually("the start is refused", lambda: not gateway.program.running, 30)
    assert "isn't the one that the record was made with" in gateway.program.tail()
    ours.rmdir()
    (gateway.data_folder / "later").rename(ours)
    gateway.start()
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    gateway.api.wait(uuid, 20, 40)


def test_an_upload_that_is_forgotten(world, profile, photos):
    gateway = world.gateway([world.node()], {"limits": {"stale_upload": "2s"}})
    uuid = gateway.api.ready(photos[:2])
    begun = time.monotonic()
    eventually("its files are gone", lambda: not [p for p in gateway.storage_folder.rglob("*") if uuid in str(p)], 30)
    assert time.monotonic() - begun > 1, "not before its time"
    assert gateway.api.commit(uuid) == {"error": "Invalid uuid (not found)"}
    assert os.listdir(gateway.storage_folder) == [".scaleodm-storage"]

"""Section 13, commit and new: items 45 to 55 (49 is in test_argo.py, 53 in test_scaleodm_backend.py)."""

import concurrent.futures
import io
import threading
import uuid as uuids
import zipfile

import pytest

from harness.api import FINAL, error_of, plain
from harness.images import sha256
from harness.waiting import eventually

NOT_FOUND = {"error": "Invalid uuid (not found)"}
NOTHING = {"error": "Need at least 1 file or a zip file url."}


def test_item_45_info_right_after_commit(world, profile, photos):
    target = world.target(profile, init_seconds=5, task_seconds=0.2)
    uuid = target.api.ready(photos[:2])
    assert "error" in target.api.task(uuid), "an upload is not a task yet"
    assert uuid not in target.api.tasks()
    assert target.api.commit(uuid) == {"uuid": uuid}
    info = target.api.task(uuid, with_output=0)
    assert info["status"]["code"] == 20
    assert isinstance(info["output"], list)
    assert "output" not in target.api.task(uuid)
    assert target.api.tasks() == [uuid]


def test_item_45_every_key_is_there(slow, photos):
    uuid = slow.api.submit(photos[:2], name="keys")
    info = slow.api.task(uuid)
    for key, kind in {"uuid": str, "name": str, "dateCreated": int, "processingTime": int, "status": dict, "options": list,
                      "imagesCount": int, "progress": (int, float)}.items():
        assert isinstance(info[key], kind) and not isinstance(info[key], bool), f"{key}: {info[key]!r}"
    assert info["uuid"] == uuid and info["dateCreated"] > 10**12


def test_item_46_commit_twice(target, photos):
    uuid = target.api.submit(photos[:1])
    again = target.api.commit(uuid)
    assert again == ({"uuid": uuid} if target.is_gateway else NOT_FOUND)
    target.api.wait(uuid, 40)
    again = target.api.commit(uuid)
    assert again == ({"uuid": uuid} if target.is_gateway else NOT_FOUND)
    assert target.starts(uuid) == 1


def test_item_46_commits_at_once(target, photos):
    uuid = target.api.ready(photos[:1])
    together = threading.Barrier(8)

    def commit(_):
        client = target.server.api.with_token(None)
        together.wait(10)
        return client.commit(uuid)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(commit, range(8)))
    if target.is_gateway:
        assert answers == [{"uuid": uuid}] * 8
    else:
        assert sorted(map(str, answers)) == sorted(map(str, [{"uuid": uuid}] + [NOT_FOUND] * 7))
    target.api.wait(uuid, 40)
    assert target.starts(uuid) == 1
    assert target.api.tasks().count(uuid) == 1


def test_item_47_commit_without_files_or_of_an_unknown_task(target, photos):
    uuid = target.api.init()["uuid"]
    assert target.api.commit(uuid) == {"error": "Need at least 1 file."}
    for unknown in (str(uuids.uuid4()), "abc", "..%2f..%2fetc"):
        assert target.api.commit(unknown) == NOT_FOUND
    uuid = target.api.ready(photos[:1])
    assert plain(target.api.post(f"/task/new/commit/{uuid}", json={})) == {"uuid": uuid}


def test_item_48_new_with_neither_files_nor_url(target):
    assert target.api.new(name="nothing") == NOTHING
    if target.is_gateway:
        assert plain(target.api.post("/task/new", data={"name": "nothing"})) == NOTHING
        answer = target.api.post("/task/new", json={"name": "nothing"})
        assert answer.status_code == 400 and answer.json() == NOTHING, "clients that send JSON look at the status"


def test_new_with_files(target, photos):
    uuid = target.api.new(photos[:3], name="at once", options=[{"name": "dsm", "value": True}])["uuid"]
    info = target.api.wait(uuid, 40)
    assert info["name"] == "at once" and info["imagesCount"] == 3
    assert {"name": "dsm", "value": True} in info["options"]
    assert target.files(uuid) == sorted((name, sha256(data)) for name, data in photos[:3])


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        for name, data in files:
            writer.writestr(name, data)
    return buffer.getvalue()


def test_item_50_zipurl_of_an_archive(target, world, photos):
    receiver = world.receiver()
    receiver.files["/images.zip"] = archive([("flight/" + name, data) for name, data in photos[:4]])
    uuid = target.api.new(zipurl=receiver.url + "/images.zip")["uuid"]
    info = target.api.wait(uuid)
    assert info["status"]["code"] == 40, info
    assert info["imagesCount"] == 4


@pytest.mark.parametrize("path", ["/absent.zip", "/not-a.zip"])
def test_item_50_zipurl_that_leads_to_nothing(target, world, path):
    receiver = world.receiver()
    receiver.files["/not-a.zip"] = b"these bytes are no archive" * 100
    answer = target.api.new(zipurl=receiver.url + path)
    info = target.api.wait(answer["uuid"], 30, seconds=90)
    if target.is_gateway:
        assert info["status"]["errorMessage"]
    assert target.starts(answer["uuid"]) == 0


@pytest.mark.only("gateway")
def test_item_50_zipurl_by_https(world, profile, photos):
    receiver = world.receiver()
    receiver.files["/images.zip"] = archive([(name, data) for name, data in photos[:3]])
    front = world.tls(receiver.port)
    gateway = world.gateway([world.node(task_seconds=0.2)], {"fetch": {"allow_private_addresses": True}},
                            environment={"SSL_CERT_FILE": front.authority})
    uuid = gateway.api.new(zipurl=front.url + "/images.zip")["uuid"]
    assert gateway.api.wait(uuid, 40)["imagesCount"] == 3


@pytest.mark.only("gateway")
@pytest.mark.databases
def test_item_50_a_crash_while_fetching(world, profile, photos, database):
    receiver, node = world.receiver(), world.node(task_seconds=0.2)
    receiver.files["/images.zip"] = archive([(f"{n}.jpg", data + bytes(400_000)) for n, (_, data) in enumerate(photos[:8])])
    cable = world.cable(receiver.port)
    gateway = world.gateway([node], {"fetch": {"allow_private_addresses": True}, **database()})
    cable.block()
    uuid = gateway.api.new(zipurl=cable.url + "/images.zip")["uuid"]
    eventually("it is fetched", lambda: cable.open_connections == 1, 20)
    info = gateway.api.task(uuid, with_output=0)
    assert info["status"]["code"] == 20 and len(info["output"]) == 1, info
    assert node.starts(uuid) == 0
    cable.unblock()
    cable.wait_until_seen("down", 500_000)
    gateway.restart_after_kill()
    assert gateway.api.wait(uuid, 40)["imagesCount"] == 8
    assert node.starts(uuid) == 1
    kept = [path for path in gateway.storage_folder.rglob("*") if path.is_file() and uuid in str(path)]
    assert len(kept) == 8, kept


@pytest.mark.only("gateway")
def test_item_50_cancel_and_remove_while_fetching(world, profile, photos):
    receiver, node = world.receiver(), world.node(task_seconds=0.2)
    receiver.files["/images.zip"] = archive(photos[:4])
    cable = world.cable(receiver.port)
    gateway = world.gateway([node], {"fetch": {"allow_private_addresses": True}})
    cable.block()
    ids = [gateway.api.new(zipurl=cable.url + "/images.zip")["uuid"] for _ in range(2)]
    eventually("both are fetched", lambda: cable.open_connections == 2, 20)
    assert gateway.api.act("cancel", ids[0]) == {"success": True}
    assert gateway.api.code(ids[0]) == 50
    assert gateway.api.act("remove", ids[1]) == {"success": True}
    cable.unblock()
    eventually("both fetches are given up", lambda: cable.open_connections == 0, 20)
    def nothing():
        return not [path for path in gateway.storage_folder.rglob("*") if path.is_file() and path.parent != gateway.storage_folder]
    eventually("nothing is left of them", nothing, 20)
    assert gateway.api.act("restart", ids[0]) == {"success": True}
    assert gateway.api.wait(ids[0], 40)["imagesCount"] == 4
    assert sum(node.journal()["starts"].values()) == 1


@pytest.mark.only("gateway")
def test_item_50_files_and_a_zipurl(world, profile, photos):
    receiver, node = world.receiver(), world.node(task_seconds=0.2)
    (name, data), (_, other) = photos[:2]
    receiver.files["/images.zip"] = archive([(f"a/{name}", other), ("b/second.jpg", data), ("__MACOSX/a/._x.jpg", b"junk")])
    gateway = world.gateway([node], {"fetch": {"allow_private_addresses": True}})
    # By /task/new, and by init with a commit that brings no file.
    both = gateway.api.new([(name, data)], zipurl=receiver.url + "/images.zip")["uuid"]
    alone = gateway.api.init(zipurl=receiver.url + "/images.zip")["uuid"]
    assert gateway.api.commit(alone) == {"uuid": alone}
    assert gateway.api.commit(alone) == {"uuid": alone}, "the same the second time"
    assert gateway.api.wait(both, 40)["imagesCount"] == 3
    assert gateway.api.wait(alone, 40)["imagesCount"] == 2
    assert [n for n, _ in node.files(both)] == sorted([name, name.replace(".", "_."), "second.jpg"])


@pytest.mark.only("gateway")
def test_item_50_an_archive_that_unpacks_to_far_more(world, profile):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as writer:
        for number in range(8):
            writer.writestr(f"{number}.jpg", bytes(8 << 20))
    receiver = world.receiver()
    receiver.files["/bomb.zip"] = buffer.getvalue()
    assert len(buffer.getvalue()) < 1 << 20
    gateway = world.gateway([world.node()], {"fetch": {"allow_private_addresses": True, "max_size": "20MiB"}})
    uuid = gateway.api.new(zipurl=receiver.url + "/bomb.zip")["uuid"]
    assert "too large" in gateway.api.wait(uuid, 30)["status"]["errorMessage"]
    assert not [path for path in gateway.storage_folder.rglob("*") if path.is_file() and uuid in str(path)]


@pytest.mark.only("gateway")
def test_item_50_zipurl_to_a_private_address(world, profile):
    receiver = world.receiver()
    receiver.files["/images.zip"] = archive([("a.jpg", b"x")])
    gateway = world.gateway([world.node()])
    for url in ("http://169.254.169.254/latest/meta-data/a.zip", receiver.url + "/images.zip",
                f"http://localhost:{receiver.port}/images.zip", f"http://[::1]:{receiver.port}/images.zip",
                f"http://2130706433:{receiver.port}/images.zip", f"http://[::ffff:127.0.0.1]:{receiver.port}/images.zip"):
        answer = gateway.api.new(zipurl=url)
        if "uuid" in answer:
            status = gateway.api.wait(answer["uuid"], 30)["status"]
            assert status["errorMessage"], url
        else:
            error_of(answer)


def test_item_51_zipurl_of_other_schemes(target):
    for url in ("file:///etc/passwd", "gopher://127.0.0.1:1/x", "ftp://127.0.0.1/x.zip", "FILE:///etc/passwd", "//x", "x.zip"):
        answer = target.api.new(zipurl=url)
        if target.is_gateway:
            error_of(answer)
        elif "uuid" in answer:
            target.api.wait(answer["uuid"], 30)


def test_item_52_more_images_than_are_taken(world, profile, photos):
    target = world.target(profile, nodes=2, max_images=3, task_seconds=0.2)
    eventually("the limit is known", lambda: target.api.info()["maxImages"] == 3, 10)
    uuid = target.api.ready(photos[:4])
    answer = target.api.commit(uuid)
    message = "4 images uploaded, but this node can only process up to 3."
    if profile == "nodeodm":
        assert answer == {"uuid": uuid}
        assert target.api.wait(uuid, 30)["status"]["errorMessage"] == message
    elif "error" in answer:
        assert "3" in answer["error"]
    else:
        assert "3" in target.api.wait(uuid, 30)["status"]["errorMessage"]
    assert "3" in error_of(target.api.new(photos[:4]))
    assert target.api.wait(target.api.submit(photos[:3]))["status"]["code"] == 40


@pytest.mark.only("gateway")
def test_item_52_more_images_than_the_operator_allows(world, profile, photos):
    receiver = world.receiver()
    receiver.files["/images.zip"] = archive(photos[:4])
    gateway = world.gateway([world.node(task_seconds=0.2)],
                            {"limits": {"images": 3}, "fetch": {"allow_private_addresses": True}})
    assert gateway.api.info()["maxImages"] == 3
    uuid = gateway.api.ready(photos[:4])
    message = "4 images uploaded, but this node can only process up to 3."
    assert gateway.api.commit(uuid) == {"error": message}
    assert gateway.api.new(photos[:4]) == {"error": message}
    fetched = gateway.api.new(zipurl=receiver.url + "/images.zip")["uuid"]
    assert gateway.api.wait(fetched, 30)["status"]["errorMessage"] == message
    assert gateway.api.wait(gateway.api.submit(photos[:3]), 40)["imagesCount"] == 3


@pytest.mark.only("gateway")
def test_item_54_a_backend_dies_while_inputs_are_sent(world, profile, photos):
    stub, node = world.stub(), world.node(task_seconds=0.2)
    reached = threading.Event()
    dead = threading.Event()

    def upload(handler):
        reached.set()
        dead.wait(60)
        handler.close_connection = True
        return True

    def gone(handler):
        if dead.is_set():
            handler.close_connection = True
            return True
        return None

    stub.hooks = {"upload": upload, "info": gone, "init": gone, "options": gone, "commit": gone, "task": gone}
    gateway = world.gateway([{"name": "dies", "kind": "nodeodm", "url": stub.url, "tier": 0}, node.backend(tier=1)])
    eventually("both are online", lambda: gateway.api.info()["maxParallelTasks"] >= 2)
    uuid = gateway.api.submit(photos[:3])
    assert reached.wait(20)
    assert gateway.api.code(uuid) == 20
    codes = set()
    dead.set()

    def completed():
        codes.add(gateway.api.code(uuid))
        return 40 in codes

    eventually("it completes elsewhere", completed, 60)
    assert not codes & {30, 50}, codes
    assert stub.starts == []
    assert sum(node.starts().values()) == 1


@pytest.mark.only("gateway")
def test_item_55_all_backends_busy_or_down(world, profile, photos):
    node = world.node(max_parallel=1, task_seconds=3600)
    gateway = world.gateway([node])
    first = gateway.api.submit(photos[:1])
    eventually("the first one runs", lambda: node.starts(first) == 1)
    second = gateway.api.submit(photos[:1])
    gateway.api.wait(second, 10)
    assert gateway.api.info()["taskQueueCount"] == 2
    node.kill()
    third = gateway.api.submit(photos[:1])
    gateway.api.wait(third, 10)
    assert gateway.api.info()["taskQueueCount"] == 3
    for uuid in (first, second, third):
        for _ in range(20):
            info = gateway.api.task(uuid, with_output=0)
            assert "error" not in info and info["status"]["code"] not in FINAL

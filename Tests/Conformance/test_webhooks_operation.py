"""Section 13, webhooks and operation: items 88, 92 and 94 (89 to 91 come with split-merge; 93 is in test_replicas.py)."""

import threading

import pytest

from harness.images import sha256
from harness.waiting import eventually


def check_hook(body, uuid, code):
    assert body["uuid"] == uuid
    assert body["status"]["code"] == code
    assert isinstance(body["images"], list)
    assert "output" not in body
    for key in ("name", "dateCreated", "processingTime", "options", "imagesCount", "progress"):
        assert key in body, key


def test_item_88_a_webhook_is_repeated_until_200(target, world, photos):
    receiver = world.receiver(500, 200)
    uuid = target.api.submit(photos[:1], webhook=receiver.url + "/hook?secret=1&x=%20")
    target.api.wait(uuid, 40)
    receiver.wait_for(2)
    assert [post["status"] for post in receiver.received] == [500, 200]
    for post, body in zip(receiver.received, receiver.bodies()):
        check_hook(body, uuid, 40)
        assert post["path"] == "/hook?secret=1&x=%20", "the URL is used as it was given"
        assert post["headers"]["Content-Type"].startswith("application/json")
        if target.is_gateway:
            assert body["statusCode"] == 40


@pytest.mark.only("gateway")
def test_item_88_five_failures_then_success(target, world, profile, photos):
    receiver = world.receiver(500, 500, 500, 500, 500, 200)
    uuid = target.api.submit(photos[:1], webhook=receiver.url)
    target.api.wait(uuid, 40)
    receiver.wait_for(6, seconds=90)
    assert [post["status"] for post in receiver.received] == [500] * 5 + [200]
    uuid = target.api.submit(photos[:1], webhook=receiver.url)
    receiver.wait_for(7)
    assert receiver.bodies()[6]["uuid"] == uuid, "nothing was sent in between"


def test_item_88_204_is_success_for_the_gateway(target, world, photos):
    receiver = world.receiver(204, 200)
    first = target.api.submit(photos[:1], webhook=receiver.url)
    target.api.wait(first, 40)
    receiver.wait_for(1)
    second = target.api.submit(photos[:1], webhook=receiver.url)
    target.api.wait(second, 40)
    if target.is_gateway:
        receiver.wait_for(2)
        assert [body["uuid"] for body in receiver.bodies()] == [first, second]
    else:
        receiver.wait_for(3)
        assert [body["uuid"] for body in receiver.bodies()].count(first) == 2, "NodeODM wants exactly 200"


@pytest.mark.only("gateway")
def test_item_88_once_across_a_restart(world, profile, photos):
    receiver = world.receiver(500, 500, 200)
    gateway = world.gateway([world.node(task_seconds=0.2)])
    uuid = gateway.api.submit(photos[:1], webhook=receiver.url)
    gateway.api.wait(uuid, 40)
    receiver.wait_for(2)
    gateway.restart_after_kill()
    receiver.wait_for(3, seconds=60)
    other = gateway.api.submit(photos[:1], webhook=receiver.url)
    receiver.wait_for(4)
    assert [body["uuid"] for body in receiver.bodies()] == [uuid, uuid, uuid, other]
    assert [post["status"] for post in receiver.received] == [500, 500, 200, 200]


@pytest.mark.only("gateway")
def test_item_88_the_node_does_not_get_the_hook(world, profile, photos):
    stub, receiver = world.stub(), world.receiver()
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    uuid = gateway.api.submit(photos[:1], webhook=receiver.url)
    assert "webhook" not in stub.only_task()["fields"]
    stub.end(40)
    gateway.api.wait(uuid, 40)
    receiver.wait_for(1)
    check_hook(receiver.bodies()[0], uuid, 40)


@pytest.mark.only("gateway")
def test_item_88_a_failed_task_and_the_global_hook(world, profile, photos):
    stub, receiver = world.stub(), world.receiver()
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}], {"webhooks": {"url": receiver.url}})
    uuid = gateway.api.submit(photos[:1])
    stub.only_task()
    stub.end(30)
    receiver.wait_for(1)
    check_hook(receiver.bodies()[0], uuid, 30)


@pytest.mark.only("gateway")
def test_item_88_private_addresses_when_forbidden(world, profile, photos):
    receiver = world.receiver()
    gateway = world.gateway([world.node(task_seconds=0.2)], {"webhooks": {"allow_private_addresses": False}})
    gateway.api.wait(gateway.api.submit(photos[:1], webhook=receiver.url), 40)
    gateway.api.wait(gateway.api.submit(photos[:1]), 40)
    assert receiver.received == []


@pytest.mark.only("gateway")
def test_item_92_restart_with_uploads_open_forwarding_and_running(world, profile, photos):
    node = world.node(max_parallel=2, task_seconds=2)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}])
    running = gateway.api.submit(photos[:2])
    eventually("one runs", lambda: node.starts(running) == 1)
    uploading = gateway.api.init(name="open")["uuid"]
    gateway.api.upload(uploading, photos[:3])
    cable.block()
    forwarding = gateway.api.submit(photos[:4])
    gateway.kill()
    cable.reset()
    cable.unblock()
    gateway.start()
    assert gateway.api.upload(uploading, photos[3:6]) == {"success": True}
    assert gateway.api.commit(uploading) == {"uuid": uploading}
    for uuid, count in ((running, 2), (forwarding, 4), (uploading, 6)):
        info = gateway.api.wait(uuid, 40)
        assert info["imagesCount"] == count
    assert sum(node.starts().values()) == 3
    assert gateway.api.task(uploading)["name"] == "open"
    assert node.files(uploading) == sorted((name, sha256(data)) for name, data in photos[:6])


@pytest.mark.only("gateway")
def test_item_92_sigterm_ends_in_order(world, profile, photos):
    node = world.node(max_parallel=1, task_seconds=1)
    gateway = world.gateway([node], {"drain": {"delay": "0s", "timeout": "5s"}})
    tasks = [gateway.api.submit(photos[:1]) for _ in range(3)]
    gateway.program.process.terminate()
    assert gateway.program.process.wait(20) == 0
    gateway.program._expected_to_end = True
    gateway.start()
    for uuid in tasks:
        gateway.api.wait(uuid, 40)
    assert sum(node.starts().values()) == 3


@pytest.mark.only("gateway")
def test_item_94_a_stale_upload_is_removed(world, profile, photos):
    gateway = world.gateway([world.node()], {"limits": {"stale_upload": "1s"}})
    uuid = gateway.api.ready(photos[:1])
    unknown = {"error": "Invalid uuid (not found)"}
    eventually("it is removed", lambda: not [p for p in gateway.storage_folder.rglob("*.JPG")] and
               not [p for p in gateway.storage_folder.rglob("*") if uuid in str(p)], 90, 0.5)
    assert gateway.api.upload(uuid, photos[1:2]) == unknown
    assert gateway.api.commit(uuid) == unknown


@pytest.mark.only("gateway")
def test_requests_during_a_shutdown_do_not_hang(world, profile, photos):
    gateway = world.gateway([world.node()], {"drain": {"delay": "0s", "timeout": "2s"}})
    stop = threading.Event()
    answers = []

    def poll():
        while not stop.is_set():
            try:
                answers.append(gateway.api.with_token(None).get("/info", timeout=10).status_code)
            except Exception:
                return

    poller = threading.Thread(target=poll)
    poller.start()
    eventually("polls are answered", lambda: answers)
    gateway.program.process.terminate()
    gateway.program.process.wait(20)
    gateway.program._expected_to_end = True
    stop.set()
    poller.join(20)
    assert not poller.is_alive() and set(answers) <= {200}

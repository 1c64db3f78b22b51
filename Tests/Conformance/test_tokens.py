"""What the inventory allows the owner of a token: a share of the slots, backends, images."""

import hashlib

import pytest

from harness.api import RUNNING, QUEUED, error_of
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")


def auth(**tokens):
    """`auth` of an inventory: each token's secret is its name."""
    listed = [{"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), **more} for name, more in tokens.items()]
    return {"auth": {"tokens": listed}}


@pytest.fixture
def waiting(world, photos):
    """Tasks that wait for a node which isn't there yet, and the node: `waiting(slots, tokens, owners)`; all of them are placed,
    or not, by one look at the queue once the node is started."""
    def make(slots, tokens, owners, **labels):
        node = world.node(max_parallel=slots, task_seconds=3600, init_seconds=0)
        node.kill()
        settings = {**auth(**tokens), "scheduling": {"prefetch": 0}}
        gateway = world.gateway([node.backend(**labels)], settings)
        sent = [(owner, gateway.api.with_token(owner).submit(photos[:1])) for owner in owners]
        for owner, uuid in sent:
            gateway.api.with_token(owner).wait(uuid, QUEUED)
        return node, gateway, sent

    return make


def running(gateway, sent):
    """Whose tasks run, one name a task."""
    return sorted(owner for owner, uuid in sent if gateway.api.with_token(owner).task(uuid)["status"]["code"] == RUNNING)


def check(node, gateway, sent, expected):
    node.start()
    eventually(f"{expected} run", lambda: running(gateway, sent) == expected, 40)
    # The load was read again, and nothing more was placed.
    read = node.requests("info")
    eventually("the node is read", lambda: node.requests("info") > read + 2)
    assert running(gateway, sent) == expected


def test_slots_are_shared_by_weight(waiting):
    node, gateway, sent = waiting(6, {"light": {}, "heavy": {"weight": 2}}, ["light"] * 6 + ["heavy"] * 6)
    check(node, gateway, sent, ["heavy"] * 4 + ["light"] * 2)


def test_the_higher_priority_goes_first(waiting):
    node, gateway, sent = waiting(3, {"first": {}, "urgent": {"priority": 1}}, ["first"] * 3 + ["urgent"] * 2)
    check(node, gateway, sent, ["first", "urgent", "urgent"])


def test_further_tasks_wait_at_the_limit_of_their_token(waiting):
    tokens = {"limited": {"max_concurrent_tasks": 2, "priority": 9}, "free": {}}
    node, gateway, sent = waiting(8, tokens, ["limited"] * 4 + ["free"] * 2)
    check(node, gateway, sent, ["free", "free", "limited", "limited"])
    limited = gateway.api.with_token("limited")
    codes = {uuid: limited.task(uuid)["status"]["code"] for owner, uuid in sent if owner == "limited"}
    runs = next(uuid for uuid, code in codes.items() if code == RUNNING)
    assert sorted(codes.values()) == [QUEUED, QUEUED, RUNNING, RUNNING], "they wait; nothing is refused"
    limited.act("cancel", runs)
    eventually("the next goes on", lambda: running(gateway, sent).count("limited") == 2)


def test_labels_restrict_the_backends(world, photos):
    plain, gpu = (world.node(name, max_parallel=9, task_seconds=0.2) for name in ("plain", "gpu"))
    backends = [plain.backend(), {**gpu.backend(), "labels": {"gpu": "true", "site": "fra"}}]
    gateway = world.gateway(backends, auth(any={}, fast={"labels": {"gpu": "true"}}, nowhere={"labels": {"gpu": "no"}}))
    fast = gateway.api.with_token("fast")
    for uuid in [fast.submit(photos[:1]) for _ in range(4)]:
        fast.wait(uuid, 40)
    assert sum(plain.starts().values()) == 0 and sum(gpu.starts().values()) == 4
    nowhere = gateway.api.with_token("nowhere")
    uuid = nowhere.submit(photos[:1])
    nowhere.wait(uuid, QUEUED)
    why = eventually("why it waits", lambda: next(
        (task["why"] for task in gateway.tasks()["tasks"] if task["uuid"] == uuid and "label" in task["why"]), None))
    assert "plain" in why and "gpu" in why


def test_a_token_s_limit_of_images(world, photos):
    gateway = world.gateway([world.node(task_seconds=0.2, max_images=6)], auth(small={"max_images": 3}, large={}, huge={"max_images": 50}))
    small, large, huge = (gateway.api.with_token(name) for name in ("small", "large", "huge"))
    eventually("the node is read", lambda: large.info()["maxImages"] == 6)
    assert small.info()["maxImages"] == 3, "WebODM refuses to start with more"
    assert huge.info()["maxImages"] == 6
    assert gateway.api.with_token(None).call("GET", "/info", params={}).status_code == 401
    small.wait(small.submit(photos[:3]), 40)
    for api, count, text in ((small, 4, "4 images uploaded, but a task of this token may have only up to 3."),
                             (large, 7, "7 images uploaded, but this node can only process up to 6."),
                             (huge, 7, "7 images uploaded, but this node can only process up to 6.")):
        uuid = api.ready(photos[:count])
        assert error_of(api.commit(uuid)) == text
    large.wait(large.submit(photos[:4]), 40)


def test_item_78_a_restart_beyond_the_limit_of_a_token(world, photos):
    gateway = world.gateway([world.node(task_seconds=0.2)], auth(client={"max_images": 5}))
    client = gateway.api.with_token("client")
    uuid = client.submit(photos[:4])
    before = client.wait(uuid, 40)
    gateway.restart_after_kill(**auth(client={"max_images": 3}))
    client = gateway.api.with_token("client")
    answer = client.act("restart", uuid)
    assert answer["success"] is False and "may have only up to 3" in answer["error"]
    assert client.task(uuid) == before, "the task is untouched"

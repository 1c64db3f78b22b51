"""Section 13, control: items 69 to 76 (77 and 78 come later)."""

import threading
import uuid as uuids

import pytest

from harness.api import error_of, plain
from harness.waiting import eventually
from harness.wire import multipart

OK = {"success": True}


def refused(answer):
    """The error of a refused control call; WebODM ignores a false without one."""
    assert answer.get("success") is False, answer
    return error_of(answer)


def test_item_69_cancel_in_every_content_type(slow, photos):
    tasks = [slow.api.submit(photos[:1]) for _ in range(3)]
    assert plain(slow.api.post("/task/cancel", data={"uuid": tasks[0]})) == OK
    assert plain(slow.api.post("/task/cancel", json={"uuid": tasks[1]})) == OK
    body, kind = multipart([("uuid", tasks[2])])
    answer = plain(slow.api.post("/task/cancel", data=body, headers={"Content-Type": kind}))
    if slow.is_gateway:
        assert answer == OK
    else:
        assert answer == {"error": "uuid param missing."}, "NodeODM does not read multipart here"
    for uuid in tasks[:3 if slow.is_gateway else 2]:
        slow.api.wait(uuid, 50)


@pytest.mark.parametrize("verb", ["cancel", "remove", "restart"])
def test_item_69_without_a_uuid_or_malformed(target, verb):
    assert plain(target.api.post(f"/task/{verb}", data={"other": "x"})) == {"error": "uuid param missing."}
    assert plain(target.api.post(f"/task/{verb}")) == {"error": "uuid param missing."}
    assert plain(target.api.post(f"/task/{verb}", json={})) == {"error": "uuid param missing."}
    for text in ("{", "[", '{"uuid":', "\0", '{"uuid": "x"} trailing'):
        answer = target.api.post(f"/task/{verb}", data=text, headers={"Content-Type": "application/json"})
        error_of(plain(answer))
    for odd in ("[]", '{"uuid": 3}', '{"uuid": null}', '{"uuid": {"a": 1}}', '{"uuid": ["x"]}'):
        answer = target.api.post(f"/task/{verb}", data=odd, headers={"Content-Type": "application/json"})
        error_of(plain(answer))


def test_item_70_cancel_in_every_state(world, profile, photos):
    target = world.target(profile, max_parallel=1, task_seconds=0.3)
    finished = target.api.submit(photos[:1])
    target.api.wait(finished, 40)
    assert target.api.act("cancel", finished) == OK
    assert target.api.code(finished) == 50, "even a completed task becomes canceled"
    target.hold()
    running, queued = target.api.submit(photos[:1]), target.api.submit(photos[:1])
    target.api.wait(queued, 10)
    assert target.api.act("cancel", queued) == OK
    assert target.api.act("cancel", running) == OK
    for uuid in (queued, running):
        assert target.api.wait(uuid, 50)["processingTime"] in (-1,) or profile == "gateway"
        assert target.api.act("cancel", uuid) == OK, "canceled already"
    unknown = str(uuids.uuid4())
    assert target.api.act("cancel", unknown) == {"success": False, "error": f"{unknown} not found"}
    assert target.starts(queued) == 0
    target.hold(False)
    last = target.api.submit(photos[:1])
    target.api.wait(last, 40)


@pytest.mark.only("gateway")
def test_item_71_cancel_while_inputs_are_sent(world, profile, photos):
    stub = world.stub()
    reached = threading.Event()

    def upload(handler):
        reached.set()
        stub.released.wait(60)
        return None

    stub.hooks["upload"] = upload
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    uuid = gateway.api.submit(photos[:3])
    assert reached.wait(20)
    assert gateway.api.act("cancel", uuid) == OK
    assert gateway.api.code(uuid) == 50
    stub.released.set()
    eventually("the upload area is discarded", lambda: uuid in stub.discarded or not stub.areas, 30)
    assert stub.starts == [] and gateway.api.code(uuid) == 50


@pytest.mark.only("gateway")
def test_item_71_cancel_while_a_commit_is_under_way(world, profile, photos):
    """The commit may win, so the attempt is settled by looking and its run is ended: nothing runs that nobody knows."""
    node = world.node(task_seconds=3600, delay="commit=2000")
    gateway = world.gateway([node.backend()])
    uuid = gateway.api.submit(photos[:2])
    eventually("the commit is under way", lambda: node.requests("commit") == 1)
    assert gateway.api.act("cancel", uuid) == OK
    assert gateway.api.code(uuid) == 50
    eventually("the node's own task is ended", lambda: node.api.task(uuid).get("status", {}).get("code") == 50, 40)
    assert gateway.api.code(uuid) == 50


@pytest.mark.only("gateway")
def test_item_71_cancel_while_the_node_is_unreachable(world, profile, photos):
    node = world.node(task_seconds=3600)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}])
    uuid = gateway.api.submit(photos[:2])
    eventually("it runs", lambda: node.starts(uuid) == 1)
    cable.cut()
    assert gateway.api.act("cancel", uuid) == OK
    assert gateway.api.code(uuid) == 50
    assert node.api.code(uuid) == 20
    cable.mend()
    eventually("the node hears of it when it is back", lambda: node.api.code(uuid) == 50, 90)
    assert gateway.api.code(uuid) == 50


def test_item_72_remove(slow, photos):
    uuid = slow.api.submit(photos[:1])
    eventually("it runs", lambda: slow.starts(uuid) == 1)
    assert slow.api.act("remove", uuid) == OK
    assert slow.api.task(uuid) == {"error": f"{uuid} not found"}
    assert uuid not in slow.api.tasks()
    assert slow.api.act("remove", uuid) == {"success": False, "error": f"{uuid} not found"}
    assert slow.api.output(uuid) == {"error": f"{uuid} not found"}
    eventually("the node has removed it too", lambda: uuid not in slow.nodes[0].api.tasks())
    eventually("its files are gone", lambda: not [f for f in slow.leftovers() if uuid in f], 20)


@pytest.mark.only("gateway")
@pytest.mark.parametrize("state", ["running", "finished"])
def test_item_73_remove_while_the_backend_is_offline(world, profile, photos, state):
    node = world.node(task_seconds=3600 if state == "running" else 0.2)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}])
    uuid = gateway.api.submit(photos[:1])
    eventually("it runs", lambda: node.starts(uuid) == 1)
    if state == "finished":
        gateway.api.wait(uuid, 40)
    cable.cut()
    assert gateway.api.act("remove", uuid) == OK
    assert gateway.api.task(uuid) == {"error": f"{uuid} not found"}
    assert uuid in node.api.tasks()
    gateway.restart_after_kill()
    assert gateway.api.task(uuid) == {"error": f"{uuid} not found"}
    cable.mend()
    eventually("the node's copy goes when it is back", lambda: uuid not in node.api.tasks(), 90)


def test_item_74_restart_of_a_finished_task(world, profile, photos):
    target = world.target(profile, task_seconds=0.3)
    uuid = target.api.submit(photos[:2], options=[{"name": "dsm", "value": True}], skipPostProcessing="true",
                             dateCreated="1705334400000")
    target.api.wait(uuid, 40)
    target.hold()
    answer = target.api.act("restart", uuid, options=[{"name": "dtm", "value": True}])
    assert answer == OK
    info = target.api.task(uuid, with_output=0)
    assert info["uuid"] == uuid and info["status"]["code"] in (10, 20)
    assert info["dateCreated"] > 1705334400000
    assert info["progress"] < 100
    target.hold(False)
    again = target.api.wait(uuid, 40)
    assert {"name": "dtm", "value": True} in again["options"]
    assert not [option for option in again["options"] if option["name"] == "dsm"]
    assert target.api.tasks() == [uuid]


def test_item_74_restart_of_a_canceled_task(slow, photos):
    uuid = slow.api.submit(photos[:1])
    slow.api.wait(uuid, 20)
    slow.api.act("cancel", uuid)
    slow.api.wait(uuid, 50)
    assert plain(slow.api.post("/task/restart", json={"uuid": uuid, "options": [{"name": "dsm", "value": True}]})) == OK
    slow.api.wait(uuid, 20)
    eventually("the option is taken", lambda: {"name": "dsm", "value": True} in slow.api.task(uuid)["options"])
    slow.api.act("remove", uuid)


@pytest.mark.only("gateway")
def test_item_74_restart_elsewhere_when_the_node_has_lost_the_project(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, 40)
    assert node.api.act("remove", uuid) == OK
    assert gateway.api.code(uuid) == 40
    assert gateway.api.act("restart", uuid, options=[]) == OK
    assert gateway.api.wait(uuid, 40)["imagesCount"] == 2
    assert sum(node.starts().values()) == 2


def test_item_75_restart_of_a_running_task(slow, photos):
    uuid = slow.api.submit(photos[:1])
    slow.api.wait(uuid, 20)
    assert slow.api.act("restart", uuid) == {"success": False, "error": "Task cannot be restarted"}
    slow.api.act("cancel", uuid)
    slow.api.wait(uuid, 50)
    before = slow.api.task(uuid)
    for bad in ([{"name": "feature-quality", "value": "best"}], "not json"):
        error_of(slow.api.act("restart", uuid, options=bad))
        after = slow.api.task(uuid)
        assert after["status"]["code"] == 50 and after["options"] == before["options"]
    slow.api.act("remove", uuid)


@pytest.mark.only("gateway")
def test_item_74_restart_while_a_cancel_is_under_way(world, profile, photos):
    """Answered at once, shown as a new run, and started when the old one is known to have ended."""
    node = world.node(task_seconds=3600)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}])
    uuid = gateway.api.submit(photos[:1])
    gateway.api.wait(uuid, 20)
    eventually("it runs", lambda: node.starts(uuid) == 1)
    cable.cut()
    assert gateway.api.act("cancel", uuid) == OK
    assert gateway.api.act("restart", uuid) == OK
    assert gateway.api.code(uuid) == 10
    assert [line[:12] for line in gateway.api.output(uuid)] == ["Launching..."]
    node.set(taskSeconds=0.3)
    cable.mend()
    gateway.api.wait(uuid, 40, seconds=90)
    assert len(gateway.api.tasks()) == 1


@pytest.mark.only("gateway")
@pytest.mark.parametrize("trouble", ["cut off", "frozen"])
def test_item_76_rerun_from_while_the_owner_is_away(world, profile, photos, trouble):
    """Refused within the request: the owner may take five seconds to answer."""
    node = world.node(task_seconds=0.2)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}])
    uuid = gateway.api.submit(photos[:1])
    gateway.api.wait(uuid, 40)
    cable.cut() if trouble == "cut off" else cable.block()
    answer = gateway.api.act("restart", uuid, options=[{"name": "rerun-from", "value": "odm_report"}])
    assert "upload again" in refused(answer)
    assert gateway.api.code(uuid) == 40
    cable.mend()


@pytest.mark.only("gateway")
def test_item_76_rerun_from_a_stage_whose_project_is_gone(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    uuid = gateway.api.submit(photos[:1])
    gateway.api.wait(uuid, 40)
    assert node.api.act("remove", uuid) == OK
    answer = gateway.api.act("restart", uuid, options=[{"name": "rerun-from", "value": "odm_report"}])
    assert "upload again" in refused(answer)
    assert gateway.api.code(uuid) == 40, "the state is unchanged"


@pytest.mark.only("gateway")
def test_item_76_rerun_from_goes_to_the_node_that_holds_the_project(world, profile, photos):
    nodes = [world.node(task_seconds=0.2) for _ in range(3)]
    gateway = world.gateway(nodes)
    uuid = gateway.api.submit(photos[:1])
    gateway.api.wait(uuid, 40)
    owner = next(node for node in nodes if node.starts(uuid) == 1)
    for _ in range(2):
        assert gateway.api.act("restart", uuid, options=[{"name": "rerun-from", "value": "odm_report"}]) == OK
        info = gateway.api.wait(uuid, 40)
        assert {"name": "rerun-from", "value": "odm_report"} in info["options"]
    assert owner.starts(uuid) == 3
    assert sum(sum(node.starts().values()) for node in nodes) == 3

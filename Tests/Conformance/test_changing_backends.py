"""Backends that come, go and change: what they have is served all the same, and nobody waits for a restart."""

import pytest

from harness.waiting import eventually


def seats(gateway):
    return {backend["name"]: backend["state"] for backend in gateway.backends()}


def online(gateway, *names):
    eventually(f"{names} are online", lambda: all(seats(gateway).get(name) == "online" for name in names))


def owner(gateway, uuid):
    """Which backend has accepted a task; None before."""
    task = next(task for task in gateway.tasks()["tasks"] if task["uuid"] == uuid)
    return task.get("backend") if task["state"] in ("placed", "completed") else None


@pytest.fixture
def two(world, database):
    """Two nodes whose tasks do not end by themselves, and a gateway in front of both."""
    nodes = {name: world.node(name, max_parallel=2, task_seconds=3600, init_seconds=0) for name in ("a", "b")}
    gateway = world.gateway(nodes.values(), database())
    online(gateway, "a", "b")
    return gateway, nodes


def running(gateway, photos):
    uuid = gateway.api.submit(photos[:3])
    eventually("it runs", lambda: owner(gateway, uuid))
    return uuid, owner(gateway, uuid)


def without(nodes, name):
    return [node.backend() for other, node in nodes.items() if other != name]


def test_a_backend_that_left_the_file_serves_its_tasks(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    gateway.restart_after_kill(backends=without(nodes, name))
    other = next(each for each in nodes if each != name)
    online(gateway, other)
    assert seats(gateway) == {name: "retired", other: "online"}
    # It gets nothing new, and what it has ends.
    second = gateway.api.submit(photos[:2])
    eventually("the next one goes elsewhere", lambda: owner(gateway, second) == other)
    nodes[name].set(taskSeconds=0.1)
    gateway.api.wait(uuid, 40)
    assert gateway.api.download(uuid).content[:2] == b"PK"
    assert sum(nodes[name].starts().values()) == 1
    # Its results are there as long as the task, also after another restart.
    gateway.restart_after_kill()
    assert gateway.api.download(uuid).content[:2] == b"PK"
    gateway.api.act("remove", uuid)
    eventually("it is gone", lambda: seats(gateway) == {other: "online"})


def test_a_task_of_a_backend_that_left_can_be_cancelled(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    gateway.restart_after_kill(backends=without(nodes, name))
    assert gateway.api.act("cancel", uuid) == {"success": True}
    gateway.api.wait(uuid, 50)
    gateway.api.act("remove", uuid)
    eventually("it is gone", lambda: name not in seats(gateway))


def test_a_name_does_not_move_while_tasks_run_there(world, two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    elsewhere = world.node(name)
    moved = without(nodes, name) + [elsewhere.backend()]
    before = gateway.settings["backends"]
    gateway.kill()
    gateway.configure(backends=moved)
    gateway.program._expected_to_end = True
    gateway.start(wait=False)
    gateway.program._expected_to_end = True
    assert gateway.program.process.wait(30) == 1
    assert "1 unfinished task" in gateway.program.tail() and nodes[name].url in gateway.program.tail()
    gateway.configure(backends=before)
    gateway.start()
    nodes[name].set(taskSeconds=0.1)
    gateway.api.wait(uuid, 40)
    gateway.restart_after_kill(backends=moved)
    online(gateway, name)

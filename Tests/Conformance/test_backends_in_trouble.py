"""Backends that lose pictures, die, or are a ClusterODM: what leaves them, and when."""

import pytest
import requests

from harness.waiting import eventually

CLUSTER_MEMORY = 99_999_999_999


def entry(name, url, **more):
    return {"name": name, "kind": "nodeodm", "url": url, **more}


def kinds(gateway, uuid):
    answer = requests.get(f"{gateway.admin_url}/api/tasks/{uuid}", timeout=10)
    assert answer.status_code == 200 and "events" in answer.json(), f"{answer.status_code} {answer.text}"
    return [event["kind"] for event in answer.json()["events"]]


# Image check


def test_files_that_are_no_images_are_not_missed(world, photos):
    """Until it has sorted them, a node shows the number of all uploaded files."""
    node = world.node(task_seconds=0.3, init_seconds=1)
    gateway = world.gateway([node])
    files = photos[:3] + [("gcp_list.txt", b"WGS84 UTM 32N\n"), ("align.laz", b"laz"), ("geo.txt", b"EPSG:4326\n")]
    uuid = gateway.api.submit(files)
    eventually("it is being initialised", lambda: node.requests("commit") == 1)
    assert gateway.api.wait(uuid, 40)["imagesCount"] == 3
    assert node.starts(uuid) == 1 and node.requests("remove") == 0


def test_a_node_that_loses_a_picture_loses_the_task(world, photos):
    stub, node = world.stub(), world.node(task_seconds=0.3)

    def lose_one(handler):
        task = stub.tasks.get(handler.uuid)
        if task:
            task["imagesCount"] = 2

    stub.hooks["task"] = lose_one
    gateway = world.gateway([entry("lossy", stub.url), {**node.backend(), "tier": 1}])
    uuid = gateway.api.submit(photos[:3])
    info = gateway.api.wait(uuid, 40)
    assert info["imagesCount"] == 3
    assert len(stub.starts) == 1 and not stub.tasks, "it is removed there"
    assert "imagesDiffer" in kinds(gateway, uuid)
    assert sum(node.starts().values()) == 1


def test_a_task_whose_pictures_get_lost_everywhere_fails_with_the_reason(world, photos):
    stub = world.stub()

    def lose_one(handler):
        task = stub.tasks.get(handler.uuid)
        if task:
            task["imagesCount"] = 1

    stub.hooks["task"] = lose_one
    gateway = world.gateway([entry("lossy", stub.url)], {"scheduling": {"attempts": 2}})
    uuid = gateway.api.submit(photos[:2])
    info = gateway.api.wait(uuid, 30)
    assert "1 images where 2 were sent" in info["status"]["errorMessage"]
    assert len(stub.starts) == 2


# A dead node


def test_a_dead_node(world, photos):
    """Its tasks are started elsewhere; what it did in the meantime is taken if it is done, else removed. (A minute is the least.)"""
    old, new = (world.node(task_seconds=3600, max_parallel=2) for _ in range(2))
    cable = world.cable(old.port)
    gateway = world.gateway([entry("old", cable.url, dead_after="1m"), entry("new", new.url, tier=1)])
    done, running = (gateway.api.submit(photos[:2]) for _ in range(2))
    eventually("both run", lambda: sum(old.starts().values()) == 2)
    cable.cut()
    eventually("they run elsewhere", lambda: sum(new.starts().values()) == 2, 100, 0.2)
    assert [gateway.api.code(uuid) for uuid in (done, running)] == [20, 20]
    requests.post(old.control_url + "/control/finish", json={"uuid": done}, timeout=10)
    eventually("one completes on the old node", lambda: old.api.code(done) == 40)
    cable.mend()
    gateway.api.wait(done, 40)
    eventually("its younger copy is removed", lambda: len(new.api.tasks()) == 1)
    eventually("the other's old copy is removed", lambda: old.api.tasks() == [done], 60)
    requests.post(new.control_url + "/control/finish", json={}, timeout=10)
    gateway.api.wait(running, 40)
    assert old.starts() == {done: 1, running: 1} and sum(new.starts().values()) == 2
    assert "adopted" in kinds(gateway, done) and "fenced" in kinds(gateway, running)


def test_a_silent_node_is_told_of_with_advice(world, photos):
    node = world.node(task_seconds=0.5, hold=True)
    cable = world.cable(node.port)
    gateway = world.gateway([entry(node.name, cable.url)])
    uuid = gateway.api.submit(photos[:1])
    eventually("it runs", lambda: node.starts(uuid) == 1)
    cable.cut()
    eventually("it is offline", lambda: any("backend is offline" in line for line in gateway.program.lines))
    assert any("check that it runs" in line for line in gateway.program.lines), "what to do is said with it"
    node.set(hold=False)
    cable.mend()
    gateway.api.wait(uuid, 40)
    assert node.starts(uuid) == 1


# A ClusterODM


@pytest.fixture
def cluster(world):
    stub = world.stub(slots=99_999_999)
    stub.about["totalMemory"] = CLUSTER_MEMORY
    return stub


def test_a_cluster_gets_a_fresh_name_and_as_many_tasks_as_the_inventory_says(world, cluster, photos):
    gateway = world.gateway([entry("cluster", cluster.url, max_parallel_tasks=2)])
    tasks = [gateway.api.submit(photos[:1]) for _ in range(3)]
    eventually("two run", lambda: len(cluster.starts) == 2)
    eventually("one waits", lambda: sorted(gateway.api.code(uuid) for uuid in tasks) == [10, 20, 20])
    assert not set(cluster.starts) & set(tasks)
    assert all(name[14] == "4" for name in cluster.starts)
    assert not cluster.areas, "nothing is sent ahead"
    cluster.end()
    eventually("all ran", lambda: len(cluster.starts) == 3)


@pytest.mark.parametrize("text", ["Reached maximum number of concurrent tasks: 1", "Uploading too fast, slow down",
                                  "No nodes are online"])
@pytest.mark.parametrize("moment", ["init", "commit"])
def test_a_cluster_that_is_full_is_no_failure_of_the_task(world, cluster, photos, moment, text):
    def full(handler):
        handler.body()
        cluster.hooks.pop(moment)
        handler.send_json({"error": text})
        return True

    cluster.hooks[moment] = full
    gateway = world.gateway([entry("cluster", cluster.url, max_parallel_tasks=1)], {"scheduling": {"attempts": 1}})
    uuid = gateway.api.submit(photos[:1])
    eventually("it runs", lambda: len(cluster.starts) == 1)
    gateway.api.wait(uuid, 20)
    cluster.end()
    gateway.api.wait(uuid, 40)


def test_a_lost_commit_answer_of_a_cluster_is_looked_for_and_never_repeated(world, cluster, photos):
    cable = world.cable(cluster.port)
    gateway = world.gateway([entry("cluster", cable.url, max_parallel_tasks=1)])
    cable.lose_answer_to(b"POST /task/new/commit")
    uuid = gateway.api.submit(photos[:2])
    eventually("it runs", lambda: len(cluster.starts) == 1)
    eventually("the mirror knows", lambda: gateway.api.task(uuid)["progress"] > 0)
    assert cluster.count("commit") == 1
    cluster.end()
    gateway.api.wait(uuid, 40)
    assert len(cluster.starts) == 1


def test_a_cluster_that_launches_a_node_has_no_images_yet(world, cluster, photos):
    launching = {"on": True}

    def task(handler):
        known = cluster.tasks.get(handler.uuid)
        if known:
            known["imagesCount"] = 0 if launching["on"] else 2
            known["lines"] = ["Launching... please wait!"] if launching["on"] else ["first line", "second line"]

    cluster.hooks["task"] = task
    gateway = world.gateway([entry("cluster", cluster.url, max_parallel_tasks=1)])
    uuid = gateway.api.submit(photos[:2])
    eventually("it was looked at", lambda: cluster.count("task") > 5)
    assert len(cluster.tasks) == 1 and cluster.count("remove") == 0
    launching["on"] = False
    looked = cluster.count("task")
    eventually("it was looked at again", lambda: cluster.count("task") > looked + 3)
    cluster.end()
    gateway.api.wait(uuid, 40)
    assert len(cluster.starts) == 1


def test_a_name_that_a_node_refuses_is_replaced_once(world, photos):
    stub = world.stub()
    names = []

    def refuse(handler):
        names.append(handler.headers.get("set-uuid"))
        if len(names) == 1:
            handler.body()
            handler.send_json({"error": f"Invalid set-uuid: {names[0]}"})
            return True
        return None

    stub.hooks["init"] = refuse
    gateway = world.gateway([entry("stub", stub.url)], {"scheduling": {"attempts": 1}})
    uuid = gateway.api.submit(photos[:1])
    eventually("it runs", lambda: len(stub.starts) == 1)
    assert names[0] == uuid and names[1] == stub.starts[0] != uuid
    assert gateway.api.code(uuid) == 20

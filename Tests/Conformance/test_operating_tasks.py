"""What an operator does with tasks: cancel, retry, move and remove by the admin API, and asks why they wait."""

import concurrent.futures
import hashlib

import pytest
import requests

from harness.api import CANCELED, COMPLETED, FAILED
from harness.replicas import Replicas
from harness.waiting import eventually

NOBODY = "11111111-2222-4333-8444-555555555555"


def shown(gateway, uuid):
    answer = requests.get(f"{gateway.admin_url}/api/tasks/{uuid}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def owner(gateway, uuid):
    """The backend that has accepted a task; None before."""
    task = shown(gateway, uuid)
    return task["backend"] if task["state"] == "placed" else None


def running(gateway, photos, **more):
    uuid = gateway.api.submit(photos[:2], **more)
    eventually("it runs", lambda: owner(gateway, uuid))
    return uuid, owner(gateway, uuid)


def starts(nodes):
    return sum(sum(node.starts().values()) for node in nodes.values())


def unfinished(node):
    """Tasks that a node is working on or has waiting."""
    return node.api.info()["taskQueueCount"]


def refused(answer, *words):
    assert answer.status_code == 409, answer.text
    for word in words:
        assert word in answer.json()["error"], answer.text


def online(gateway):
    eventually("all are online", lambda: all(each["online"] for each in gateway.backends()))


@pytest.fixture
def two(world, database):
    """Two nodes whose tasks do not end by themselves, and a gateway in front of both."""
    nodes = {name: world.node(name, max_parallel=1, task_seconds=3600) for name in ("a", "b")}
    gateway = world.gateway(nodes.values(), database())
    online(gateway)
    return gateway, nodes


# Moves.


def test_a_running_task_begins_anew_elsewhere_and_never_runs_twice_at_once(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    answer = gateway.change("POST", f"/api/tasks/{uuid}/move")
    assert answer.status_code == 200 and answer.json()["task"]["uuid"] == uuid

    def moved():
        assert sum(unfinished(node) for node in nodes.values()) <= 1, "it runs at two places"
        return owner(gateway, uuid) not in (None, name)

    eventually("it runs elsewhere", moved)
    task = shown(gateway, uuid)
    assert [attempt["outcome"] for attempt in task["attempts"] if "outcome" in attempt] == ["released"]
    assert "moveRequested" in [event["kind"] for event in task["events"]]
    nodes[task["backend"]].set(taskSeconds=0.1)
    gateway.api.wait(uuid, COMPLETED)
    assert gateway.api.download(uuid).content[:2] == b"PK"
    eventually("the old copy is removed", lambda: nodes[name].api.tasks() == [])
    assert starts(nodes) == 2


def test_it_goes_to_the_backend_that_is_named(world, photos):
    nodes = {name: world.node(name, max_parallel=1, task_seconds=3600) for name in ("a", "b", "c")}
    gateway = world.gateway(nodes.values())
    online(gateway)
    uuid, name = running(gateway, photos)
    target = max(set(nodes) - {name})
    # The others are just as free, so that it would go there by itself only by chance.
    for _ in range(2):
        assert gateway.change("POST", f"/api/tasks/{uuid}/move", {"to": target}).status_code == 200
        eventually(f"it runs on {target}", lambda: owner(gateway, uuid) == target)
        name, target = target, max(set(nodes) - {target})
    assert starts(nodes) == 3


def test_what_waits_goes_where_it_is_wanted(world, photos):
    nodes = {name: world.node(name, max_parallel=1, task_seconds=3600) for name in ("a", "b")}
    gateway = world.gateway(nodes.values(), {"scheduling": {"prefetch": 0}})
    online(gateway)
    busy = dict(reversed(running(gateway, photos)) for _ in range(2))
    uuid = gateway.api.submit(photos[:2])
    eventually("it waits", lambda: shown(gateway, uuid)["code"] == 10)
    refused(gateway.change("POST", f"/api/tasks/{uuid}/move"), "name the one")
    assert gateway.change("POST", f"/api/tasks/{uuid}/move", {"to": "b"}).status_code == 200
    nodes["a"].set(taskSeconds=0.1)
    gateway.api.wait(busy["a"], COMPLETED)
    queue = requests.get(gateway.admin_url + "/api/queue", timeout=30).json()
    assert [task["uuid"] for task in queue["tasks"]] == [uuid], "it waits for b although a is free"
    assert "operator moved it" in queue["tasks"][0]["reason"]
    nodes["b"].set(taskSeconds=0.1)
    gateway.api.wait(uuid, COMPLETED)
    assert shown(gateway, uuid)["backend"] == "b"


def test_a_task_that_has_just_completed_is_not_run_again(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    nodes[name].set(taskSeconds=0.05)
    answer = gateway.change("POST", f"/api/tasks/{uuid}/move")
    if answer.status_code != 200:
        refused(answer, "completed")
    # Either its own end was taken, or the run was ended before it and another one ran to its end.
    for node in nodes.values():
        node.set(taskSeconds=0.05)
    gateway.api.wait(uuid, COMPLETED)
    attempts = shown(gateway, uuid)["attempts"]
    assert starts(nodes) == len(attempts)
    assert [attempt.get("outcome") for attempt in attempts][-1] == "completed"
    refused(gateway.change("POST", f"/api/tasks/{uuid}/move"), "over", "completed")
    refused(gateway.change("POST", f"/api/tasks/{uuid}/cancel"), "over", "completed")
    refused(gateway.change("POST", f"/api/tasks/{uuid}/retry"), "completed")
    assert gateway.api.code(uuid) == COMPLETED


def test_moves_that_can_not_be_are_refused_with_the_reason(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    other = "b" if name == "a" else "a"
    move = f"/api/tasks/{uuid}/move"
    assert gateway.change("POST", f"/api/tasks/{NOBODY}/move").status_code == 404
    assert gateway.change("POST", move, {"to": 7}).status_code == 400
    refused(gateway.change("POST", move, {"to": name}), name, "already")
    refused(gateway.change("POST", move, {"to": "nowhere"}), "nowhere")
    assert gateway.change("POST", f"/api/backends/{other}/lock").status_code == 200
    refused(gateway.change("POST", move), f"{other} is locked")
    refused(gateway.change("POST", move, {"to": other}), f"{other} is locked")
    assert gateway.change("POST", f"/api/backends/{other}/unlock").status_code == 200
    nodes[name].kill()
    eventually("it is offline", lambda: "offline" in shown(gateway, uuid)["why"])
    assert f"scaleodm backends evacuate {name}" in shown(gateway, uuid)["why"]
    refused(gateway.change("POST", move), f"scaleodm backends evacuate {name}")
    nodes[name].start()
    assert starts(nodes) == 1


def test_a_crash_between_the_wish_and_its_doing_loses_nothing(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    nodes[name].set(drop={"cancel": -1})
    assert gateway.change("POST", f"/api/tasks/{uuid}/move").status_code == 200
    assert "begin anew elsewhere" in shown(gateway, uuid)["why"]
    gateway.restart_after_kill()
    nodes[name].set(drop={"cancel": 0})
    eventually("it runs elsewhere", lambda: owner(gateway, uuid) not in (None, name))
    assert starts(nodes) == 2 and sum(unfinished(node) for node in nodes.values()) == 1


# Cancel, retry, remove.


def test_cancel_and_retry(two, photos):
    gateway, nodes = two
    uuid, _ = running(gateway, photos)
    refused(gateway.change("POST", f"/api/tasks/{uuid}/retry"), "isn't over")
    answer = gateway.change("POST", f"/api/tasks/{uuid}/cancel")
    assert answer.status_code == 200 and answer.json()["task"]["code"] == CANCELED
    gateway.api.wait(uuid, CANCELED)
    assert gateway.change("POST", f"/api/tasks/{uuid}/cancel").status_code == 200, "cancelled already"
    eventually("the node has ended it", lambda: all(unfinished(node) == 0 for node in nodes.values()))
    for node in nodes.values():
        node.set(taskSeconds=0.1)
    answer = gateway.change("POST", f"/api/tasks/{uuid}/retry")
    assert answer.status_code == 200 and answer.json()["task"]["code"] in (10, 20)
    gateway.api.wait(uuid, COMPLETED)
    assert starts(nodes) == 2


def test_of_several_retries_at_once_one_is_done(two, photos):
    gateway, nodes = two
    for node in nodes.values():
        node.set(failNext=1, taskSeconds=0.1)
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, FAILED)
    for node in nodes.values():
        node.set(failNext=0, taskSeconds=3600)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: gateway.change("POST", f"/api/tasks/{uuid}/retry"), range(6)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * 5, [answer.text for answer in answers]
    eventually("it runs again", lambda: owner(gateway, uuid))
    assert starts(nodes) == 2


def test_remove(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    answer = gateway.change("DELETE", f"/api/tasks/{uuid}")
    assert answer.status_code == 200 and answer.json() == {"uuid": uuid, "state": "removed"}
    assert gateway.api.task(uuid) == {"error": f"{uuid} not found"}
    assert gateway.change("DELETE", f"/api/tasks/{uuid}").status_code == 404
    eventually("the node has forgotten it", lambda: nodes[name].api.tasks() == [])
    upload = gateway.api.ready(photos[:1])
    refused(gateway.change("DELETE", f"/api/tasks/{upload}"), "arriving")
    for verb in ("cancel", "retry"):
        assert gateway.change("POST", f"/api/tasks/{NOBODY}/{verb}").status_code == 404


def test_a_held_task_is_given_back_by_a_retry(world, photos):
    store = world.s3(buckets=("data",))
    other = world.scaleodm(store, "nyc")
    gateway = world.gateway([other.backend()], {"storage": {"s3": store.settings()}})
    other.fault(method="POST", path="/task/new", count=1, drop="before")
    uuid = gateway.api.submit(photos[:2])
    eventually("it is held", lambda: any(event["kind"] == "outcomeUnknown" for event in shown(gateway, uuid)["events"]))
    refused(gateway.change("POST", f"/api/tasks/{uuid}/move"), "retry")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: gateway.change("POST", f"/api/tasks/{uuid}/retry"), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409], [each.text for each in answers]
    gateway.api.wait(uuid, COMPLETED)
    assert sum(other.effects("created").values()) == 1


def test_changes_need_the_token_and_the_header(world):
    gateway = world.gateway([world.node()], {"admin": {"token": "open-sesame"}})
    calls = [("POST", f"/api/tasks/{NOBODY}/{verb}") for verb in ("cancel", "retry", "move")]
    calls += [("DELETE", f"/api/tasks/{NOBODY}"), ("POST", "/api/rank")]
    token = {"Authorization": "Bearer open-sesame"}
    for method, path in calls:
        assert gateway.change(method, path).status_code == 401
        bare = requests.request(method, gateway.admin_url + path, headers=token, timeout=30)
        assert bare.status_code == 403 and "X-ScaleODM-Admin" in bare.json()["error"]
        assert gateway.change(method, path, headers=token).status_code in (200, 404)
    for path in (f"/api/tasks/{NOBODY}/output", "/api/queue"):
        assert requests.get(gateway.admin_url + path, timeout=30).status_code == 401


def test_a_wrong_method_is_told_the_right_ones(world):
    gateway = world.gateway([world.node()])
    for method, path, allowed in [
            ("POST", "/api/queue", "GET, HEAD"), ("GET", "/api/rank", "POST"),
            ("PUT", f"/api/tasks/{NOBODY}", "GET, HEAD, DELETE"), ("GET", f"/api/tasks/{NOBODY}/move", "POST")]:
        answer = requests.request(method, gateway.admin_url + path, timeout=30)
        assert answer.status_code == 405 and answer.headers["Allow"] == allowed, (method, path)
    answer = requests.request("DELETE", gateway.url + "/task/list", timeout=30)
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"


# Questions.


def test_the_console_is_read_in_parts(world, photos):
    gateway = world.gateway([world.node(task_seconds=0.5, output_lines=700)])
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, COMPLETED)
    path = f"{gateway.admin_url}/api/tasks/{uuid}/output"
    wanted = eventually("all lines are there", lambda: len(lines := gateway.api.output(uuid)) >= 700 and lines)
    whole = requests.get(path, timeout=30).json()
    assert whole == {"lines": wanted, "next": len(wanted)}
    part = requests.get(path, params={"line": 650}, timeout=30).json()
    assert part == {"lines": wanted[650:], "next": len(wanted)}
    assert requests.get(path, params={"line": len(wanted)}, timeout=30).json() == {"lines": [], "next": len(wanted)}
    assert requests.get(path, params={"line": -3}, timeout=30).json()["lines"] == wanted[-3:]
    # A number beyond the end is answered with the end: the console began anew, by a restart.
    assert requests.get(path, params={"line": 99999}, timeout=30).json() == {"lines": [], "next": len(wanted)}
    assert requests.get(path.replace(uuid, NOBODY), timeout=30).status_code == 404


def test_the_queue_in_its_order_with_reasons(world, photos):
    tokens = {"auth": {"tokens": [
        {"name": "slow", "sha256": hashlib.sha256(b"s").hexdigest()},
        {"name": "urgent", "sha256": hashlib.sha256(b"u").hexdigest(), "priority": 5}]}}
    nodes = [world.node("a", max_parallel=1, task_seconds=3600), world.node("b", max_parallel=1, task_seconds=3600, max_images=1)]
    gateway = world.gateway(nodes, tokens)
    online(gateway)
    api = {name: gateway.api.with_token(token) for name, token in (("slow", "s"), ("urgent", "u"))}
    first = api["slow"].submit(photos[:2])
    eventually("it runs", lambda: shown(gateway, first)["state"] == "placed")
    waiting = [api["slow"].submit(photos[:3], name="one"), api["slow"].submit(photos[:2], name="two"),
               api["urgent"].submit(photos[:2], name="three")]

    def queue(**query):
        answer = requests.get(gateway.admin_url + "/api/queue", params=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    found = eventually("three wait", lambda: (answer := queue())["waiting"] == 3 and answer)
    assert [task["uuid"] for task in found["tasks"]] == [waiting[2], waiting[0], waiting[1]]
    assert [task["position"] for task in found["tasks"]] == [1, 2, 3]
    top = found["tasks"][0]
    assert top["name"] == "three" and top["owner"] == "urgent" and top["priority"] == 5 and top["images"] == 2
    assert top["tier"] == 0 and top["since"].endswith("Z")
    assert "a has its one slot in use" in top["reason"] and "b takes at most 1 images" in top["reason"]
    assert len(queue(limit=1)["tasks"]) == 1 and queue(limit=1)["waiting"] == 3
    listed = requests.get(gateway.admin_url + "/api/tasks", params={"owner": "slow"}, timeout=30).json()["tasks"]
    assert {task["uuid"] for task in listed} == {first, *waiting[:2]}


def test_where_a_task_would_go(world, photos):
    nodes = [world.node(name, max_parallel=1, task_seconds=3600, **more)
             for name, more in (("small", {"max_images": 5}), ("first", {}), ("far", {}))]
    entries = [nodes[0].backend(), nodes[1].backend(labels={"gpu": "true"}), nodes[2].backend(tier=1)]
    gateway = world.gateway(entries)
    online(gateway)

    def rank(**question):
        answer = gateway.change("POST", "/api/rank", question)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert {each["backend"] for each in found["candidates"]} == {"small", "first", "far"}
        return found["chosen"], {each["backend"]: each for each in found["candidates"]}

    chosen, by_name = rank(images=20, options=[{"name": "dsm", "value": True}])
    assert chosen == "first" and by_name["first"]["rank"] == 1 and by_name["first"]["eligible"]
    assert "shortest predicted wait" in by_name["first"]["reason"] and by_name["first"]["predictedWait"] == 0
    assert not by_name["small"]["eligible"] and by_name["small"]["reason"] == "takes at most 5 images"
    assert by_name["small"]["rank"] is None
    assert by_name["far"]["eligible"] and "tier 1" in by_name["far"]["reason"] and by_name["far"]["kind"] == "nodeodm"
    assert rank(images=20, labels={"gpu": "true"})[0] == "first"
    assert rank(images=2, labels={"gpu": "no"})[0] is None
    # What it says is what happens.
    uuid = gateway.api.submit(photos[:6])
    eventually("it runs", lambda: owner(gateway, uuid) == "first")
    chosen, by_name = rank(images=20)
    assert by_name["first"]["reason"] == "has its one slot in use" and by_name["first"]["predictedWait"] > 0
    uuid = gateway.api.submit(photos[:6])
    eventually("it runs in the next tier", lambda: owner(gateway, uuid) == "far")
    for wrong in ({"images": -1}, {"images": "many"}, {"options": 7}, {"labels": {"gpu": 1}},
                  {"options": [{"name": "feature-quality", "value": "best"}]}):
        assert gateway.change("POST", "/api/rank", wrong).status_code == 400, wrong


# Several gateways.


def test_any_replica_changes_tasks_and_all_tell_the_same(world, _postgres, photos, tmp_path):
    nodes = {name: world.node(name, max_parallel=1, task_seconds=3600) for name in ("a", "b")}
    group = Replicas(world, nodes.values(), _postgres.database(), {"directory": str(tmp_path / "shared")}, count=2)
    first, second = group.all
    for gateway in group.all:
        online(gateway)
    uuid, name = running(first, photos)
    decider = group.scheduler()
    other = next(gateway for gateway in group.all if gateway is not decider)
    assert eventually("the other knows it", lambda: other.change("POST", f"/api/tasks/{uuid}/move")).status_code == 200

    def moved():
        assert sum(unfinished(node) for node in nodes.values()) <= 1, "it runs at two places"
        return owner(other, uuid) not in (None, name)

    eventually("it runs elsewhere", moved)
    assert starts(nodes) == 2
    running(first, photos)
    waiting = [second.api.submit(photos[:2]) for _ in range(2)]

    def queue(gateway):
        return requests.get(gateway.admin_url + "/api/queue", timeout=30).json()

    eventually("two wait, say both", lambda: all(queue(gateway)["waiting"] == 2 for gateway in group.all))
    assert all([task["uuid"] for task in queue(gateway)["tasks"]] == waiting for gateway in group.all)
    eventually("both say the same of them", lambda: queue(first)["tasks"] == queue(second)["tasks"])
    assert other.change("POST", f"/api/tasks/{waiting[0]}/cancel").status_code == 200
    assert other.change("DELETE", f"/api/tasks/{waiting[1]}").status_code == 200
    eventually("all know it", lambda: all(queue(gateway)["waiting"] == 0 for gateway in group.all))
    first.api.wait(waiting[0], CANCELED)

"""Backends that come, go and change: what they have is served all the same, and nobody waits for a restart."""

import hashlib
import signal

import pytest
import requests

from harness.gateway import yaml
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


# The file changes while the gateway runs


def rewritten(gateway, backends):
    """The inventory as an editor or Kubernetes leaves it: a new file in place of the old one."""
    gateway.settings["backends"] = [each if isinstance(each, dict) else each.backend() for each in backends]
    fresh = gateway.inventory.with_suffix(".new")
    fresh.write_text(yaml(gateway.settings), encoding="utf-8")
    fresh.rename(gateway.inventory)


def test_a_changed_file_is_taken_over_without_a_lost_request(world, two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    third = world.node("c", task_seconds=0.2)
    other = next(each for each in nodes if each != name)
    rewritten(gateway, [nodes[other].backend(tier=3), third])
    eventually("it is taken over", lambda: seats(gateway) == {other: "online", "c": "online", name: "retired"})
    assert next(each for each in gateway.backends() if each["name"] == other)["tier"] == 3
    assert gateway.program.running
    second = gateway.api.submit(photos[:2])
    eventually("the new one is used", lambda: owner(gateway, second) == "c")
    # What left goes on, is read as before, and is a member again once it is listed.
    nodes[name].set(taskSeconds=0.1)
    gateway.api.wait(uuid, 40)
    assert gateway.api.download(uuid).content[:2] == b"PK"
    rewritten(gateway, nodes.values())
    eventually("it is back", lambda: seats(gateway).get(name) == "online")
    tail = gateway.program.tail()
    assert "inventory reloaded" in tail and "retired" in tail


def test_a_bad_file_is_refused_and_the_old_one_stays(two):
    gateway, _ = two
    before = seats(gateway)
    good = gateway.inventory.read_text()
    gateway.inventory.write_text(good + "nonsense: true\nlisten: here\n")
    answer = change(gateway, "POST", "/api/reload")
    assert answer.status_code == 422
    problems = answer.json()["problems"]
    assert len(problems) == 2 and all(str(gateway.inventory) in problem for problem in problems), problems
    assert seats(gateway) == before
    eventually("the log tells", lambda: "nonsense" in gateway.program.tail())
    gateway.inventory.write_text(good)
    assert change(gateway, "POST", "/api/reload").status_code == 200


def test_a_running_backend_is_not_moved_by_a_reload(world, two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    rewritten(gateway, without(nodes, name) + [world.node(name)])
    answer = change(gateway, "POST", "/api/reload")
    assert answer.status_code == 422 and "1 unfinished task" in answer.json()["problems"][0]
    nodes[name].set(taskSeconds=0.1)
    gateway.api.wait(uuid, 40)


def test_sighup_takes_tokens_over_and_names_what_takes_a_restart(world):
    node = world.node()
    gateway = world.gateway([node])
    online(gateway, node.name)
    assert requests.get(gateway.url + "/info", timeout=10).status_code == 200
    gateway.settings["auth"] = {"tokens": [{"name": "ana", "sha256": hashlib.sha256(b"secret").hexdigest()}]}
    gateway.settings["scheduling"]["attempts"] = 7
    gateway.inventory.write_text(yaml(gateway.settings))
    gateway.program.signal(signal.SIGHUP)
    eventually("a token is wanted", lambda: requests.get(gateway.url + "/info", timeout=10).status_code == 401)
    assert requests.get(gateway.url + "/info?token=secret", timeout=10).status_code == 200
    eventually("it is said", lambda: "scheduling.attempts" in gateway.program.tail())
    answer = change(gateway, "POST", "/api/reload").json()
    assert answer["needRestart"] == ["scheduling.attempts"] and answer["added"] == []


# Changes by the admin API


def change(gateway, method, path, headers=None, **settings):
    headers = {"X-ScaleODM-Admin": "1", **(headers or {})}
    return requests.request(method, gateway.admin_url + path, headers=headers, timeout=20, **settings)


def test_changes_need_the_header_the_token_and_json(world):
    gateway = world.gateway([world.node("a")], {"admin": {"token": "${ADMIN}"}}, environment={"ADMIN": "key"})
    path = gateway.admin_url + "/api/backends/a/lock"
    bearer = {"Authorization": "Bearer key"}
    assert requests.post(path, timeout=10).status_code == 401
    assert change(gateway, "POST", "/api/backends/a/lock").status_code == 401
    assert requests.post(path, headers=bearer, timeout=10).status_code == 403
    assert change(gateway, "POST", "/api/backends/a/lock", bearer).status_code == 200
    assert change(gateway, "POST", "/api/backends/nobody/lock", bearer).status_code == 404
    assert requests.get(path, headers=bearer, timeout=10).status_code == 405
    # A page of another origin is told nothing that would let it go on.
    question = requests.options(path, headers={
        "Origin": "http://evil.example.org", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-scaleodm-admin"}, timeout=10)
    assert question.status_code >= 400 and not [name for name in question.headers if "access-control" in name.lower()]
    for status, body, kind in [(400, b"{", "application/json"), (400, b"[]", "application/json"),
                               (415, b"name=x", "application/x-www-form-urlencoded"),
                               (413, b" " * (2 << 20), "application/json")]:
        answer = change(gateway, "POST", "/api/backends", {**bearer, "Content-Type": kind}, data=body)
        assert answer.status_code == status and answer.json()["error"], (body[:9], answer.text)


def test_a_locked_backend_gets_nothing_also_after_a_restart(two, photos):
    gateway, _ = two
    answer = change(gateway, "POST", "/api/backends/a/lock").json()
    assert answer["state"] == "locked" and answer["locked"] is True
    gateway.restart_after_kill()
    online(gateway, "b")
    eventually("it is locked", lambda: seats(gateway)["a"] == "locked")
    tasks = [gateway.api.submit(photos[:2]) for _ in range(2)]
    eventually("they run", lambda: [owner(gateway, uuid) for uuid in tasks] == ["b", "b"])
    third = gateway.api.submit(photos[:2])
    eventually("it waits", lambda: gateway.api.code(third) == 10)
    assert change(gateway, "POST", "/api/backends/a/unlock").json()["state"] == "online"
    eventually("it runs", lambda: owner(gateway, third) == "a")


def test_an_evacuated_backend_loses_its_tasks(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    other = next(each for each in nodes if each != name)
    answer = change(gateway, "POST", f"/api/backends/{name}/evacuate").json()
    assert answer == {"backend": name, "moved": 1, "left": 0}
    eventually("it runs elsewhere", lambda: owner(gateway, uuid) == other)
    eventually("the old copy is gone", lambda: nodes[name].requests("remove") >= 1)
    nodes[other].set(taskSeconds=0.1)
    gateway.api.wait(uuid, 40)
    assert seats(gateway)[name] == "draining"
    change(gateway, "POST", f"/api/backends/{name}/undrain")
    assert seats(gateway)[name] == "online"


def test_a_dead_backend_is_evacuated_and_its_copy_removed_when_it_returns(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    other = next(each for each in nodes if each != name)
    nodes[name].program.freeze()
    assert change(gateway, "POST", f"/api/backends/{name}/evacuate").json()["moved"] == 1
    eventually("it runs elsewhere", lambda: owner(gateway, uuid) == other)
    nodes[name].program.thaw()
    eventually("the old copy is removed", lambda: nodes[name].requests("remove") >= 1, 60)
    assert owner(gateway, uuid) == other


def test_a_backend_added_at_run_time_stays_until_it_is_removed(world, two, photos):
    gateway, _ = two
    third = world.node("c", token="letmein", task_seconds=0.2)
    gateway.environment["SCALEODM_BACKEND_C"] = "letmein"
    body = {"name": "c", "url": third.url, "token": "letmein", "tier": 0, "labels": {"zone": "eu"}}
    answer = change(gateway, "POST", "/api/backends", json=body)
    assert answer.status_code == 201 and answer.json()["source"] == "added" and "letmein" not in answer.text
    online(gateway, "c")
    assert change(gateway, "POST", "/api/backends", json=body).status_code == 409
    assert change(gateway, "POST", "/api/backends", json={"name": "d", "url": "nowhere"}).status_code == 400
    # Secrets of the gateway's own can't be sent anywhere by whoever may change backends.
    for secret in ({"token": "${HOME}"}, {"token_file": "/etc/passwd"}):
        assert change(gateway, "POST", "/api/backends", json={"name": "d", "url": third.url, **secret}).status_code == 400
    gateway.restart_after_kill()
    online(gateway, "a", "b", "c")
    for name in ("a", "b"):
        change(gateway, "POST", f"/api/backends/{name}/lock")
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, 40)
    assert change(gateway, "DELETE", "/api/backends/c").json()["state"] == "retired"
    assert gateway.api.download(uuid).content[:2] == b"PK"
    assert change(gateway, "DELETE", "/api/backends/a").status_code == 409
    gateway.restart_after_kill()
    assert gateway.api.download(uuid).content[:2] == b"PK"
    third.kill()
    assert change(gateway, "DELETE", "/api/backends/c").status_code == 409
    assert change(gateway, "DELETE", "/api/backends/c?forget=true").json()["state"] == "removed"
    assert "c" not in seats(gateway)


def test_the_command_line_changes_backends(world, two, photos):
    gateway, nodes = two
    assert gateway.cli("backends", "lock", "a").stdout == "a is locked\n"
    assert "locked" in gateway.cli("backends", "a").stdout and " b " not in gateway.cli("backends", "a").stdout
    assert gateway.cli("backends", "unlock", "a").returncode == 0
    assert gateway.cli("backends", "drain", "b").returncode == 0 and seats(gateway)["b"] == "draining"
    assert gateway.cli("backends", "undrain", "b").returncode == 0
    third = world.node("c", token="letmein")
    added = gateway.cli("backends", "add", "c", "--url", third.url, "--set", "token=letmein", "--set", "tier=2")
    assert added.stdout == "c is added\n", added.stderr
    online(gateway, "c")
    wrong = gateway.cli("backends", "lock", "nobody")
    assert wrong.returncode == 1 and "nobody" in wrong.stderr
    assert gateway.cli("backends", "lock").returncode == 2
    assert gateway.cli("backends", "evacuate", "a").returncode == 1
    assert gateway.cli("backends", "evacuate", "a", "--yes").stdout == "0 moved away from a\n"
    assert gateway.cli("backends", "remove", "c").returncode == 0
    eventually("it is gone", lambda: "c" not in seats(gateway))
    rewritten(gateway, [nodes["a"]])
    gateway.cli("reload")
    eventually("it has left", lambda: "b" not in seats(gateway))
    assert gateway.cli("reload").stdout == "no backend changed\n"
    gateway.inventory.write_text("backends: 7\n")
    refused = gateway.cli("reload")
    assert refused.returncode == 1 and "gateway.yaml:1:11" in refused.stderr


def test_a_file_below_the_link_that_kubernetes_swaps(world):
    """A ConfigMap's file is a link through `..data`, which is renamed when the map changes; the file's own name never is."""
    a, b = world.node("a"), world.node("b")
    gateway = world.gateway([a], start=False)
    for version in ("..v1", "..v2"):
        (gateway.folder / version).mkdir()
    (gateway.folder / "..data").symlink_to("..v1")
    gateway.inventory.symlink_to("..data/gateway.yaml")
    gateway.start()
    online(gateway, "a")
    gateway.settings["backends"].append(b.backend())
    (gateway.folder / "..v2" / "gateway.yaml").write_text(yaml(gateway.settings))
    (gateway.folder / "..data_tmp").symlink_to("..v2")
    (gateway.folder / "..data_tmp").rename(gateway.folder / "..data")
    online(gateway, "a", "b")

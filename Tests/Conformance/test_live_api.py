"""What a dashboard reads: the gateway itself, its last hours, and events as they happen."""

import datetime
import signal
import socket

import pytest
import requests

from harness.events import Events
from harness.replicas import Replicas
from harness.waiting import eventually

CHANGE = {"X-ScaleODM-Admin": "1"}


def get(gateway, path, **settings):
    return requests.get(gateway.admin_url + path, timeout=30, **settings)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_task(uuid, *states):
    return lambda event: event.name == "task" and event.data["uuid"] == uuid and event.data["state"] in states


def test_the_gateway_tells_what_it_is_and_what_it_has(world, database, photos):
    gateway = world.gateway([world.node(task_seconds=0.2)], database())
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, 40)
    told = eventually("it counts the task", lambda: (
        lambda told: told if told["tasks"]["completed"] == 1 else None)(get(gateway, "/api/gateway").json()))
    assert told["version"] in gateway.cli("--version").stdout
    assert told["name"] == socket.gethostname() and told["replica"]
    age = datetime.datetime.now(datetime.timezone.utc) - moment(told["startedAt"])
    assert 0 <= age.total_seconds() < 600 and 0 <= told["uptime"] <= age.total_seconds() + 1
    assert told["database"]["kind"] in ("sqlite", "postgresql") and told["database"]["up"] is True
    assert told["storage"]["kind"] == "folder" and told["storage"]["freeBytes"] > 0
    assert told["tasks"] == {"receiving": 0, "queued": 0, "running": 0, "completed": 1, "failed": 0, "canceled": 0}
    assert set(told["requests"]) == {
        "perSecond", "errorsPerSecond", "receivedBytesPerSecond", "sentBytesPerSecond"}
    if told["database"]["kind"] == "sqlite":
        assert "replicas" not in told
    else:
        seen = eventually("it sees itself", lambda: get(gateway, "/api/gateway").json()["replicas"])
        assert [replica["id"] for replica in seen] == [told["replica"]]


def test_the_history_has_a_sample_from_the_start(world):
    node = world.node("fra", max_parallel=3)
    gateway = world.gateway([node])
    history = get(gateway, "/api/history").json()
    assert history["step"] == 60 and moment(history["from"])
    assert set(history["series"]) == {
        "queue", "running", "slots", "completedPerMinute", "failedPerMinute", "sentBytes", "receivedBytes", "requests",
        "errors"}
    assert {len(series) for series in history["series"].values()} == {1}
    assert history["series"]["queue"] == [0]
    assert history["backends"] == {}, "of a thousand backends it would be megabytes"
    named = get(gateway, "/api/history?hours=1&backend=fra&backend=nyc").json()
    assert set(named["backends"]) == {"fra"} and set(named["backends"]["fra"]) == {"running", "slots"}
    assert {len(series) for series in named["backends"]["fra"].values()} == {1}
    answer = get(gateway, "/api/history", params={"backend": ["fra"] * 101})
    assert answer.status_code == 400 and "100 times" in answer.json()["error"]
    assert get(gateway, "/api/history?hours=24").json()["series"].keys() == history["series"].keys()
    for wrong in ("0", "25", "-1", "x", "", "1.5"):
        answer = get(gateway, f"/api/history?hours={wrong}")
        assert answer.status_code == 400 and "hours" in answer.json()["error"], wrong


def test_events_tell_of_a_tasks_life_and_of_backends(world, photos):
    node = world.node("fra", task_seconds=0.5)
    gateway = world.gateway([node])
    with Events(gateway) as events:
        assert events.status == 200 and events.fields["content-type"].startswith("text/event-stream")
        hello = events.wait("the greeting")
        assert hello.name == "hello" and hello.data["gateway"]["version"] and hello.data["backends"] == 1
        uuid = gateway.api.submit(photos[:2], name="survey")
        ended = events.wait("its end", is_task(uuid, "completed"))
        assert ended.data["name"] == "survey" and ended.data["backend"] == "fra" and ended.data["progress"] == 100
        listed = gateway.tasks()["tasks"][0]
        assert {key: listed[key] for key in ended.data} == ended.data, "as the list shows it"
        requests.post(gateway.admin_url + "/api/backends/fra/lock", headers=CHANGE, timeout=30)
        events.wait("the lock", lambda event: event.name == "backend" and event.data["locked"])
        events.wait("the gateway", lambda event: event.name == "gateway" and event.data["tasks"]["completed"] == 1)
        gateway.api.act("remove", uuid)
        events.wait("its removal", is_task(uuid, "removed"))
        queue = events.wait("the queue behind it", lambda event: event.name == "queue")
        assert queue.data == {"waiting": 0, "running": 0}
        numbers = [event.number for event in events.seen]
        assert numbers == sorted(set(numbers)), "ids only grow"


def test_events_tell_of_backends_that_come_and_go(world):
    gateway = world.gateway([])
    other = world.node("nyc")
    with Events(gateway) as events:
        events.wait("the greeting")
        definition = {key: value for key, value in other.backend().items()}
        answer = requests.post(gateway.admin_url + "/api/backends", json=definition, headers=CHANGE, timeout=30)
        assert answer.status_code == 201, answer.text
        events.wait("it is online", lambda event: event.name == "backend" and event.data["state"] == "online")
        requests.delete(gateway.admin_url + "/api/backends/nyc", headers=CHANGE, timeout=30)
        gone = events.wait("it is gone", lambda event: event.name == "backend-gone")
        assert gone.data == {"name": "nyc"}


def test_a_client_of_one_replica_sees_what_another_does(world, _postgres, tmp_path, photos):
    node = world.node("fra", task_seconds=0.5)
    group = Replicas(world, [node], _postgres.database(), {"directory": str(tmp_path / "shared")}, count=2)
    one, other = group.all
    with Events(other) as events:
        events.wait("the greeting")
        uuid = one.api.submit(photos[:2])
        events.wait("its end", is_task(uuid, "completed"))
        requests.post(one.admin_url + "/api/backends/fra/lock", headers=CHANGE, timeout=30)
        events.wait("the lock", lambda event: event.name == "backend" and event.data["locked"])
        one.api.act("remove", uuid)
        events.wait("its removal", is_task(uuid, "removed"))
        seen = eventually("both are seen", lambda: (
            lambda told: told if len(told) == 2 else None)(get(other, "/api/gateway").json()["replicas"]))
        held = [duty for replica in seen for duty in replica["holds"]]
        assert sorted(held) == ["fetching", "housekeeping", "scheduler"]
        assert sum(replica["watching"] for replica in seen) == 1


def test_a_drain_ends_the_events_at_once_and_properly(world):
    gateway = world.gateway([world.node()], {"drain": {"delay": "1h"}})
    with Events(gateway) as events:
        events.wait("the greeting")
        gateway.program.process.send_signal(signal.SIGTERM)
        assert events.wait_for_end() is True
        with Events(gateway) as late:
            assert late.status == 503 and "end" in late.body()["error"]
    gateway.program._expected_to_end = True
    gateway.program.process.terminate()
    assert gateway.program.process.wait(30) == 1


def test_there_are_places_for_sixty_four_clients(world):
    gateway = world.gateway([])
    clients = [Events(gateway) for _ in range(64)]
    try:
        for client in clients:
            client.wait("its greeting")
        with Events(gateway) as late:
            assert late.status == 503 and "64" in late.body()["error"]
        clients.pop().close()

        def again():
            client = Events(gateway)
            clients.append(client)
            return client.status == 200

        eventually("a place is free", again)
    finally:
        for client in clients:
            client.close()


def test_the_token_guards_all_of_it(world):
    gateway = world.gateway([], {"admin": {"token": "open-sesame"}})
    for path in ("/api/gateway", "/api/history", "/api/events"):
        assert get(gateway, path).status_code == 401, path
    with Events(gateway, token="open-sesame") as events:
        assert events.wait("the greeting").name == "hello"
    assert get(gateway, "/api/gateway", headers={"Authorization": "Bearer open-sesame"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/gateway", "/api/history", "/api/events"])
def test_a_head_request_is_answered_without_a_body(world, path):
    gateway = world.gateway([])
    answer = requests.head(gateway.admin_url + path, timeout=30)
    assert answer.status_code == 200 and answer.content == b""

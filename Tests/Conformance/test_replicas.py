"""Several gateways on one PostgreSQL and one storage behave as one (section 13, item 93)."""

import concurrent.futures
import random
import threading
import time
import uuid as uuids

import pytest
import requests

from harness.api import error_of, plain
from harness.images import jpeg, sha256
from harness.postgres import Postgres
from harness.replicas import Replicas
from harness.waiting import eventually


@pytest.fixture
def replicas(world, _postgres, tmp_path):
    """A function that starts replicas over one folder, or over what `storage` says."""

    def start(nodes, storage=None, **more):
        storage = storage or {"directory": str(tmp_path / "shared")}
        return Replicas(world, nodes, _postgres.database(), storage, **more)

    return start


def total_starts(nodes):
    starts = {}
    for node in nodes:
        for uuid, count in node.starts().items():
            starts[uuid] = starts.get(uuid, 0) + count
    return starts


def run_once(nodes, tasks):
    starts = total_starts(nodes)
    assert sum(starts.values()) == len(tasks), f"{sum(starts.values())} starts of {len(tasks)} tasks: {starts}"
    assert all(count == 1 for count in starts.values()), starts


def check_everywhere(group, uuid, photos, nodes):
    """Every replica shows the end, gives the results, and the nodes have got the right bytes."""
    for gateway in group.living:
        info = gateway.api.wait(uuid, 40)
        assert info["imagesCount"] == len(photos)
        assert gateway.api.download(uuid).status_code == 200
    name = [name for node in nodes for name in node.starts()]
    received = sorted(file for node in nodes for one in name for file in node.files(one))
    assert received == sorted((name, sha256(data)) for name, data in photos)


def test_item_93_init_on_a_upload_on_b_commit_on_c(world, replicas, photos):
    node = world.node(task_seconds=0.3)
    group = replicas([node])
    a, b, c = (gateway.api for gateway in group.all)
    uuid = a.init(name="over three")["uuid"]
    assert b.upload(uuid, photos[:4]) == {"success": True}
    assert a.upload(uuid, photos[4:6]) == {"success": True}
    assert c.upload(uuid, photos[6:]) == {"success": True}
    assert c.upload(uuid, photos[:1]) == {"success": True}, "sent again elsewhere: it is there already"
    assert c.commit(uuid) == {"uuid": uuid}
    for api in (a, b, c):
        assert api.task(uuid)["name"] == "over three"
        assert api.tasks() == [uuid]
        assert api.commit(uuid) == {"uuid": uuid}, "a commit that is repeated elsewhere"
    check_everywhere(group, uuid, photos, [node])
    run_once([node], [uuid])


def test_item_93_with_object_storage(world, replicas, photos):
    node = world.node(task_seconds=0.3)
    s3 = world.s3("rclone")
    group = replicas([node], {"s3": s3.settings()})
    api = group.balanced()
    uuid = api.init()["uuid"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda photo: group.balanced().upload(uuid, [photo]), photos))
    assert sent == [{"success": True}] * len(photos)
    assert api.commit(uuid) == {"uuid": uuid}
    check_everywhere(group, uuid, photos, [node])
    run_once([node], [uuid])


def test_files_of_one_name_that_arrive_at_once_at_different_replicas(world, replicas, photos):
    node = world.node(task_seconds=0.3)
    group = replicas([node])
    uuid = group.all[0].api.init()["uuid"]
    contents = [jpeg(500 + number) for number in range(9)]
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        jobs = [pool.submit(group.all[number % 3].api.with_token(None).upload, uuid, [("same.JPG", data)])
                for number, data in enumerate(contents)]
        assert [job.result() for job in jobs] == [{"success": True}] * 9
    assert group.all[1].api.commit(uuid) == {"uuid": uuid}
    assert group.all[2].api.wait(uuid, 40)["imagesCount"] == 9
    received = next(iter(node.starts()))
    assert sorted(digest for _, digest in node.files(received)) == sorted(sha256(data) for data in contents)
    assert sorted(name for name, _ in node.files(received)) == sorted(
        "same" + "_" * number + ".JPG" for number in range(9))


def test_limits_hold_for_what_replicas_took_together(world, replicas):
    group = replicas([world.node()], settings={"limits": {"upload_task": "1MiB"}})
    a, b, c = (gateway.api for gateway in group.all)
    uuid = a.init()["uuid"]
    assert b.upload(uuid, [("b.jpg", bytes(1000))]) == {"success": True}
    assert a.upload(uuid, [("a.jpg", bytes(700_000))]) == {"success": True}
    # What one hasn't heard of yet is counted at the commit, wherever that arrives; what it reads first, at once.
    assert b.upload(uuid, [("c.jpg", bytes(600_000))]) == {"success": True}
    assert "together" in error_of(c.upload(uuid, [("d.jpg", bytes(10_000))]))
    assert "together" in error_of(c.commit(uuid))
    assert group.all[0].api.tasks() == []


def test_a_wish_at_one_replica_is_seen_at_all(world, replicas, photos):
    node = world.node(task_seconds=3600)
    group = replicas([node])
    uuid = group.all[0].api.submit(photos[:2])
    for gateway in group.all:
        gateway.api.wait(uuid, 20)
    eventually("it runs", lambda: sum(node.starts().values()) == 1)
    for number, (verb, code) in enumerate([("cancel", 50), ("restart", 20), ("cancel", 50)]):
        gateway = group.all[number]
        eventually(f"{verb} is taken", lambda: gateway.api.act(verb, uuid, options=[]) == {"success": True})
        assert gateway.api.code(uuid) in (10, code), "who was told shows it at once"
        for other in group.all:
            other.api.wait(uuid, code, seconds=30)
    assert group.all[2].api.act("remove", uuid) == {"success": True}
    for other in group.all:
        eventually("it is gone", lambda: "not found" in error_of(other.api.task(uuid)))


def test_a_canceled_upload_to_a_node_stops_whoever_sends_it(world, replicas):
    node = world.node(task_seconds=3600)
    cable = world.cable(node.port)
    group = replicas([{**node.backend(), "url": cable.url}])
    sender = group.scheduler()
    other = next(gateway for gateway in group.all if gateway is not sender)
    seen = cable.seen["up"]
    photo = ("large.JPG", jpeg(77) + random.Random(7).randbytes(30_000_000))
    uuid = other.api.ready([photo])
    other.api.commit(uuid)
    cable.wait_until_seen("up", seen + 1_000_000)
    cable.block()
    assert other.api.act("cancel", uuid) == {"success": True}
    cable.unblock()
    for gateway in group.all:
        gateway.api.wait(uuid, 50)
    eventually("nothing of it is left on the node", lambda: not list(node.data_folder.rglob("large.JPG")))
    assert node.starts() == {}


def test_output_and_progress_are_shown_by_every_replica(world, replicas, photos):
    node = world.node(task_seconds=3)
    group = replicas([node])
    uuid = group.all[0].api.submit(photos[:2])
    shown = [set() for _ in group.all]

    def ended():
        codes = []
        for number, gateway in enumerate(group.all):
            info = gateway.api.task(uuid, with_output=0)
            shown[number].add(info["progress"])
            codes.append(info["status"]["code"])
        return codes == [40] * 3

    eventually("all show the end", ended, 60)
    assert all(len(progress) > 2 for progress in shown), shown
    outputs = [gateway.api.output(uuid) for gateway in group.all]
    assert outputs[0] and outputs[0] == outputs[1] == outputs[2]


def interrupted(world, replicas, interrupt):
    """A replica sends a large file to a node, something happens to it, and another one goes on."""
    node = world.node(task_seconds=0.3)
    cable = world.cable(node.port)
    group = replicas([{**node.backend(), "url": cable.url}], settings={"scheduling": {"offline_after": 1000}})
    sender = group.scheduler()
    photos = [("large.JPG", jpeg(78) + random.Random(8).randbytes(30_000_000)), ("small.JPG", jpeg(79))]
    seen = cable.seen["up"]
    uuid = next(gateway for gateway in group.all if gateway is not sender).api.submit(photos)
    cable.wait_until_seen("up", seen + 1_000_000)
    cable.block()
    interrupt(sender)
    cable.unblock()
    others = [gateway for gateway in group.all if gateway is not sender]
    for gateway in others:
        info = gateway.api.wait(uuid, 40, seconds=90)
        assert info["imagesCount"] == 2
        assert gateway.api.download(uuid).status_code == 200
    name, = node.starts()
    assert node.files(name) == sorted((file, sha256(data)) for file, data in photos)
    assert node.starts(name) == 1
    return group, sender, node, uuid, name


def test_a_sender_is_killed_in_the_middle_of_an_upload(world, replicas):
    _, _, node, uuid, name = interrupted(world, replicas, lambda gateway: gateway.kill())
    assert name != uuid, "what was sent half stays behind under another name"
    eventually("the half-sent area is discarded", lambda: not [
        path for path in node.data_folder.rglob("large.JPG*") if name not in str(path)])


def test_a_sender_that_is_told_to_end_hands_over_at_once(world, replicas):
    group, sender, *_ = interrupted(world, replicas, lambda gateway: gateway.program.signal(15))
    sender.program.process.wait(30)
    assert sender.program.process.returncode == 0
    assert "leases handed back" in "\n".join(sender.program.lines)
    sender.program._expected_to_end = True


def test_a_sender_that_was_frozen_does_not_start_it_once_more(world, replicas):
    group, sender, node, uuid, name = interrupted(world, replicas, lambda gateway: gateway.program.freeze())
    sender.program.thaw()
    sender.api.wait(uuid, 40)
    sender.program.wait_for_line("another gateway has taken a lease")
    assert sender.api.download(uuid).status_code == 200
    # It takes part again, under a lease of another name.
    photos = [("again.JPG", jpeg(80))]
    more = sender.api.submit(photos)
    for gateway in group.all:
        gateway.api.wait(more, 40)
    assert total_starts([node]) == {name: 1, **{other: 1 for other in node.starts() if other != name}}
    assert len(node.starts()) == 2


def test_a_gateway_that_was_killed_goes_on_at_once(world, _postgres, photos):
    """By its mark in the storage folder its successor knows that it has ended, and doesn't wait for its leases to expire."""
    node = world.node(task_seconds=0.3)
    gateway = world.gateway([node], {"database": _postgres.database()})
    marks = lambda: [path.name for path in gateway.storage_folder.iterdir() if path.name.startswith(".scaleodm-gateway-")]
    tasks = []
    for number in range(2):
        tasks.append(gateway.api.submit(photos[number:number + 2]))
        assert len(marks()) == 1
        gateway.restart_after_kill()
        gateway.program.wait_for_line("a gateway on this machine has ended without handing over")
        gateway.program.wait_for_line("lease taken lease=scheduler")
    for uuid in tasks:
        gateway.api.wait(uuid, 40)
    run_once([node], tasks)
    gateway.stop()
    assert marks() == [], "who ends as he should leaves none"


def test_a_replica_that_hears_nothing_answers_from_the_record(world, replicas, _postgres, photos):
    node = world.node(task_seconds=3600)
    group = replicas([node])
    a, deaf = group.all[0], group.all[1]
    uuid = a.api.submit(photos[:1])
    deaf.api.wait(uuid, 20)
    silenced = threading.Event()

    def silence():
        while not silenced.is_set():
            _postgres.ask(group.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          "WHERE application_name = 'replica1' AND query LIKE 'LISTEN%'")

    thread = threading.Thread(target=silence)
    thread.start()
    try:
        assert a.api.act("cancel", uuid) == {"success": True}
        deaf.api.wait(uuid, 50, seconds=10)
        assert a.api.act("remove", uuid) == {"success": True}
        eventually("it is gone", lambda: "not found" in error_of(deaf.api.task(uuid)), 10)
        again = a.api.submit(photos[:1])
        assert deaf.api.task(again)["uuid"] == again
        assert plain(deaf.api.get("/info"))
    finally:
        silenced.set()
        thread.join()
    assert a.api.act("cancel", again) == {"success": True}
    deaf.api.wait(again, 50, seconds=20)


def test_webhooks_and_retention_happen_once(world, replicas, photos):
    node = world.node(task_seconds=0.1, max_parallel=8)
    receiver = world.receiver()
    group = replicas([node], settings={"limits": {"task_retention": "6s"}})
    tasks = [group.all[number % 3].api.submit(photos[:1], webhook=receiver.url) for number in range(9)]
    for uuid in tasks:
        group.balanced().wait(uuid, 40)
    receiver.wait_for(9)
    for gateway in group.all:
        eventually("retention removes them", lambda: gateway.api.tasks() == [], 60)
    assert sorted(body["uuid"] for body in receiver.bodies()) == sorted(tasks), "each exactly once"
    run_once([node], tasks)


@pytest.mark.timeout(300)
def test_thirty_tasks_while_replicas_die_and_the_database_restarts(world, photos, tmp_path):
    """Balanced clients; one replica is killed, one is told to end, PostgreSQL is restarted: each task runs once."""
    server = Postgres()
    world._closed_later(server)
    nodes = [world.node(task_seconds=0.5, max_parallel=2) for _ in range(3)]
    group = Replicas(world, nodes, server.database(), {"directory": str(tmp_path / "shared")})
    committed, bad, done = [], [], threading.Event()

    def submit(number):
        api, uuid = group.balanced(), str(uuids.UUID(int=random.Random(number).getrandbits(128), version=4))
        files = photos[number % 8:number % 8 + 3]
        patiently(lambda: api.init(uuid=uuid, name=f"task {number}")["uuid"])
        for photo in files:
            patiently(lambda: api.upload(uuid, [photo]))
        patiently(lambda: api.commit(uuid))
        committed.append(uuid)
        return uuid

    def patiently(step):
        """Again where the answer was an error that a client retries: a 503, or a connection that broke off."""
        deadline = time.monotonic() + 120
        while True:
            try:
                return step()
            except (AssertionError, requests.exceptions.RequestException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def poll():
        api = group.balanced()
        while not done.is_set():
            for uuid in list(committed):
                try:
                    answer = api.get(f"/task/{uuid}/info")
                except requests.exceptions.RequestException:
                    continue
                if answer.status_code != 200 or answer.json().get("uuid") != uuid:
                    bad.append((uuid, answer.status_code, answer.text[:200]))
            time.sleep(0.05)

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            jobs = [pool.submit(submit, number) for number in range(30)]
            eventually("six are committed", lambda: len(committed) >= 6, 60)
            killed = group.scheduler()
            killed.kill()
            eventually("twelve are committed", lambda: len(committed) >= 12, 60)
            server.stop()
            server.start()
            eventually("twenty are committed", lambda: len(committed) >= 20, 90)
            killed.start()
            leaving = group.scheduler(60)
            leaving.program.signal(15)
            leaving.program.process.wait(30)
            leaving.program._expected_to_end = True
            tasks = [job.result(120) for job in jobs]
        for gateway in group.living:
            for uuid in tasks:
                assert gateway.api.wait(uuid, 40, seconds=120)["imagesCount"] == 3
    finally:
        done.set()
        poller.join()
    assert not bad, bad[:5]
    run_once(nodes, tasks)
    for uuid in tasks:
        assert group.living[0].api.download(uuid).status_code == 200

"""No committed task is lost, and none is run twice: crashes of the gateway, and of nodes, at bad moments."""

import concurrent.futures
import threading
import time

import pytest
from pyodm import Node

from harness.api import FINAL
from harness.images import sha256
from harness.simulator import host_and_port
from harness.waiting import eventually


@pytest.fixture
def fleet(world, database):
    """Four nodes with two slots each, tasks of a third of a second, and a gateway that stores durably."""
    nodes = [world.node(task_seconds=0.3, max_parallel=2) for _ in range(4)]
    return world.gateway(nodes, database()), nodes


def started_once(nodes, tasks):
    """By the nodes' own journals, whatever the gateway believes."""
    starts = {}
    for node in nodes:
        for uuid, count in node.starts().items():
            starts[uuid] = starts.get(uuid, 0) + count
    assert sum(starts.values()) == len(tasks), f"{sum(starts.values())} starts of {len(tasks)} tasks"
    assert all(count == 1 for count in starts.values()), starts


def complete(gateway, tasks, seconds=120):
    states = {}

    def done():
        for uuid in tasks:
            if states.get(uuid) != 40:
                states[uuid] = gateway.api.code(uuid)
        open_ones = {uuid: code for uuid, code in states.items() if code != 40}
        assert not [uuid for uuid, code in open_ones.items() if code in FINAL], open_ones
        assert not open_ones, f"{len(open_ones)} of {len(tasks)} are not complete"
        return True

    eventually("all tasks complete", done, seconds, 0.1)


def test_forty_commits_and_a_kill(fleet, photos):
    gateway, nodes = fleet
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        tasks = list(pool.map(lambda n: gateway.api.with_token(None).ready(photos[n % 8:n % 8 + 2]), range(40)))

        def commit(uuid):
            assert gateway.api.with_token(None).commit(uuid) == {"uuid": uuid}

        list(pool.map(commit, tasks))
    gateway.restart_after_kill()
    assert sorted(gateway.api.tasks()) == sorted(tasks)
    complete(gateway, tasks)
    started_once(nodes, tasks)


def test_a_kill_after_each_commit(fleet, photos):
    gateway, nodes = fleet
    tasks = []
    for number in range(8):
        tasks.append(gateway.api.submit(photos[number:number + 2]))
        gateway.restart_after_kill()
    complete(gateway, tasks)
    started_once(nodes, tasks)


@pytest.mark.parametrize("moment", ["init", "upload", "commit"])
def test_a_kill_while_a_task_is_on_its_way_to_a_node(world, database, photos, moment):
    """The gateway dies just after the node got the request and before the gateway got the answer."""
    node = world.node(task_seconds=0.3)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}], database())
    eventually("the node is read", lambda: node.requests("options") >= 1)
    before = node.requests(moment)
    cable.lose_answer_to(f"POST /task/new/{moment}".encode())
    uuid = gateway.api.submit(photos[:3])
    eventually(f"the node got {moment}", lambda: node.requests(moment) > before, 30, 0.002)
    gateway.restart_after_kill()
    complete(gateway, [uuid])
    assert sum(node.starts().values()) == 1
    assert gateway.api.task(uuid)["imagesCount"] == 3


@pytest.mark.parametrize("moment", ["init", "upload", "commit"])
def test_a_lost_answer_is_settled_by_looking(world, database, photos, moment):
    node = world.node(task_seconds=0.3)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}], database())
    eventually("the node is read", lambda: node.requests("options") >= 1)
    cable.lose_answer_to(f"POST /task/new/{moment}".encode())
    uuid = gateway.api.submit(photos[:3])
    complete(gateway, [uuid])
    assert sum(node.starts().values()) == 1
    received = next(iter(node.journal()["starts"]))
    assert node.files(received) == sorted((name, sha256(data)) for name, data in photos[:3])


def test_a_kill_in_the_middle_of_an_upload(fleet, flight):
    gateway, nodes = fleet
    node = Node(*host_and_port(gateway.url))
    outcome = {}
    some = threading.Event()

    def progress(percent):
        if percent >= 15:
            some.set()

    def client():
        try:
            outcome["task"] = node.create_task([str(path) for path in flight.everything], name="interrupted",
                                               parallel_uploads=10, retry_timeout=1, max_retries=10,
                                               progress_callback=progress)
        except Exception as error:
            outcome["error"] = error
        some.set()

    thread = threading.Thread(target=client)
    thread.start()
    assert some.wait(60)
    gateway.restart_after_kill()
    thread.join(120)
    assert "error" not in outcome, outcome
    task = outcome["task"]
    complete(gateway, [task.uuid])
    owner = next(n for n in nodes if n.starts(task.uuid))
    assert owner.files(task.uuid) == sorted(flight.checksums.items()), "name for name, byte for byte"
    assert task.info().images_count == 41


@pytest.mark.parametrize("fault", ["frozen", "cut off", "blocked", "killed"])
def test_polls_while_the_owner_is_in_trouble(world, database, photos, fault):
    node = world.node(task_seconds=0.3, dump="always", hold=True)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}], database())
    uuid = gateway.api.submit(photos[:3])
    eventually("it runs", lambda: node.starts(uuid) == 1)
    eventually("the mirror knows", lambda: gateway.api.output(uuid))
    {"frozen": node.freeze, "cut off": cable.cut, "blocked": cable.block, "killed": node.kill}[fault]()
    for _ in range(30):
        answer = gateway.api.get(f"/task/{uuid}/info", {"with_output": 0}, timeout=5)
        assert answer.status_code == 200
        info = answer.json()
        assert "error" not in info and info["status"]["code"] in (10, 20) and info["output"]
        assert gateway.api.get("/info", timeout=5).status_code == 200
        time.sleep(0.1)
    {"frozen": node.thaw, "cut off": cable.mend, "blocked": cable.unblock, "killed": node.start}[fault]()
    node.set(hold=False)
    complete(gateway, [uuid])
    if fault != "killed":
        assert sum(node.starts().values()) == 1


def test_other_nodes_work_on_while_one_is_frozen(world, database, photos):
    frozen, well = world.node(task_seconds=0.3, max_parallel=2), world.node(task_seconds=0.3, max_parallel=2)
    gateway = world.gateway([frozen, well], database())
    eventually("both are read", lambda: gateway.api.info()["maxParallelTasks"] == 4)
    frozen.freeze()
    tasks = [gateway.api.submit(photos[:1]) for _ in range(6)]

    def half_done():
        return sum(gateway.api.code(uuid) == 40 for uuid in tasks) >= 3

    # Two may have been placed on the frozen node before anyone could know, and a third be on its way there.
    eventually("what is not bound to the frozen node completes", half_done, 60)
    frozen.thaw()
    complete(gateway, tasks)
    started_once([frozen, well], tasks)


def test_what_was_not_committed_leaves_a_frozen_node(world, photos):
    """The node freezes before anything is sent: nothing can have started there, so nothing waits for it."""
    frozen, well = world.node(task_seconds=0.3, max_parallel=2), world.node(task_seconds=0.3)
    gateway = world.gateway([frozen, well])
    eventually("both are read", lambda: gateway.api.info()["maxParallelTasks"] == 3)
    frozen.freeze()
    tasks = [gateway.api.submit(photos[:2]) for _ in range(6)]
    # Three readings of 10 s each tell that the node is away.
    complete(gateway, tasks, 75)
    assert sum(well.starts().values()) == 6
    frozen.thaw()
    eventually("the frozen node's areas are discarded", lambda: not frozen.api.tasks() and not frozen.starts(), 60)


def test_load_over_unequal_nodes(world, database, photos):
    """40 tasks of 4 s on 1, 2, 4 and 8 slots: three rounds. No node ever holds more tasks than it has slots."""
    slots = (1, 2, 4, 8)
    nodes = [world.node(task_seconds=4, max_parallel=count) for count in slots]
    gateway = world.gateway(nodes, database())
    eventually("all nodes are read", lambda: gateway.api.info()["maxParallelTasks"] == 15)
    tasks = [gateway.api.ready(photos[n % 8:n % 8 + 2]) for n in range(40)]
    stop = threading.Event()
    crowded = []

    def watch(node, count):
        while not stop.is_set():
            held = node.api.with_token(None).info()["taskQueueCount"]
            if held > count:
                crowded.append((node.name, held, count))
            stop.wait(0.05)

    watchers = [threading.Thread(target=watch, args=pair) for pair in zip(nodes, slots)]
    for watcher in watchers:
        watcher.start()
    begin = time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda uuid: gateway.api.with_token(None).commit(uuid), tasks))
        complete(gateway, tasks, 60)
        took = time.monotonic() - begin
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join(10)
    print(f"40 tasks of 4 s on {slots} slots took {took:.1f} s (bound: 12 s)")
    assert not crowded, f"a node had a queue: {crowded[:5]}"
    started_once(nodes, tasks)
    shares = [sum(node.starts().values()) for node in nodes]
    assert all(shares) and shares[3] > shares[0], shares


def test_sqlite_is_locked_for_one_gateway(world, photos):
    first = world.gateway([world.node()])
    second = world.gateway([world.node()], {"database": f"sqlite:{first.data_folder}/scaleodm.db"}, start=False)
    second.start(wait=False)
    second.program.process.wait(30)
    second.program._expected_to_end = True
    assert second.program.process.returncode == 1
    second.program._reader.join(10)
    assert any("lock" in line.lower() or "in use" in line.lower() for line in second.program.lines), second.program.tail()
    assert first.api.info()

"""PyODM, the client library of WebODM, drives the gateway in front of three simulated nodes (items 88 and 95)."""

import pathlib
import threading
import zipfile

import pytest
from pyodm import Node
from pyodm.exceptions import NodeConnectionError, NodeResponseError, TaskFailedError
from pyodm.types import TaskStatus

from harness.images import sha256
from harness.simulator import host_and_port
from harness.waiting import eventually


def pyodm(server, token=""):
    return Node(*host_and_port(server.url), token=token)


@pytest.fixture
def fleet(world, database):
    """A gateway and three nodes; tasks of a second, two at a time on each."""
    nodes = [world.node(task_seconds=1, max_parallel=2) for _ in range(3)]
    gateway = world.gateway(nodes, database())
    eventually("all nodes are read", lambda: gateway.api.info()["maxParallelTasks"] == 6)
    return gateway, nodes


def checksums(archive):
    """sha256 of each input inside an archive, by name."""
    with zipfile.ZipFile(archive) as reader:
        assert reader.testzip() is None
        return {name.rsplit("/", 1)[-1]: sha256(reader.read(name)) for name in reader.namelist()}


def assert_holds(archive, flight, paths):
    inside = checksums(archive)
    for path in paths:
        assert inside.get(path.name) == flight.checksums[path.name], path.name


def test_item_95_create_wait_download(fleet, flight, tmp_path):
    gateway, nodes = fleet
    node = pyodm(gateway)
    assert node.info().engine == "odm" and len(node.options()) > 20
    uploaded = []
    files = [str(path) for path in flight.everything]
    task = node.create_task(files, {"orthophoto-resolution": 2, "dsm": True}, name="A field", parallel_uploads=10,
                            progress_callback=uploaded.append)
    assert uploaded[-1] == 100
    info = task.info()
    assert info.uuid == task.uuid and info.name == "A field" and info.status in (TaskStatus.RUNNING, TaskStatus.QUEUED)
    assert info.date_created.year >= 2025
    statuses = []
    task.wait_for_completion(status_callback=lambda info: statuses.append(info.status), interval=0.2)
    assert statuses[-1] == TaskStatus.COMPLETED
    info = task.info(with_output=0)
    assert info.images_count == 41, "the GCP file is not a picture"
    assert info.progress == 100 and info.last_error == ""
    assert {"name": "dsm", "value": True} in info.options
    owners = [n for n in nodes if n.starts(task.uuid)]
    assert len(owners) == 1
    assert owners[0].files(task.uuid) == sorted(flight.checksums.items())
    progress = []
    archive = task.download_zip(str(tmp_path), progress_callback=progress.append)
    assert progress[-1] == 100
    assert_holds(archive, flight, flight.everything)
    assert (pathlib.Path(task.download_assets(str(tmp_path / "assets"))) / "odm_orthophoto" / "odm_orthophoto.tif").exists()


def test_item_95_output_by_pages(fleet, flight):
    gateway, _ = fleet
    task = pyodm(gateway).create_task([str(path) for path in flight.small[:3]])
    task.wait_for_completion(interval=0.2)
    eventually("some output", lambda: len(task.output()) >= 3)
    lines = task.output()
    collected = []
    while page := task.output(len(collected)):
        collected.append(page[0])
        assert len(collected) <= len(lines) + 50
    assert collected[:len(lines)] == lines
    assert task.output(-2) == task.output()[-2:]
    assert task.info(with_output=1).output == task.output(1)


def test_item_95_cancel_restart_remove(fleet, flight):
    gateway, nodes = fleet
    task = pyodm(gateway).create_task([str(path) for path in flight.small[:3]])
    assert task.cancel() is True
    assert task.info().status == TaskStatus.CANCELED
    with pytest.raises(TaskFailedError):
        task.wait_for_completion(interval=0.2)
    eventually("the node's run has ended", lambda: all(n.api.info()["taskQueueCount"] == 0 for n in nodes))
    assert task.restart({"dsm": True}) is True
    task.wait_for_completion(interval=0.2)
    info = task.info()
    assert info.uuid == task.uuid and {"name": "dsm", "value": True} in info.options
    with pytest.raises(NodeResponseError, match="restarted|invalid|Invalid|not in enum"):
        task.restart({"feature-quality": "best"})
    assert task.remove() is True
    with pytest.raises(NodeResponseError, match="not found"):
        task.info()
    with pytest.raises(NodeResponseError, match="not found"):
        task.remove()
    eventually("no node keeps it", lambda: not any(n.api.tasks() for n in nodes))


@pytest.mark.parametrize("ranges", [False, True], ids=["serial", "ranges"])
def test_item_95_downloads_serial_and_by_ranges(world, database, flight, tmp_path, ranges):
    nodes = [world.node(task_seconds=0.3, ranges=ranges) for _ in range(3)]
    gateway = world.gateway(nodes, database())
    task = pyodm(gateway).create_task([str(path) for path in flight.everything])
    task.wait_for_completion(interval=0.2)
    owner = next(node for node in nodes if node.starts(task.uuid))
    before = owner.requests("download")
    archive = task.download_zip(str(tmp_path), parallel_downloads=16, parallel_chunks_size=1)
    assert_holds(archive, flight, flight.everything)
    used = owner.requests("download") - before
    size = pathlib.Path(archive).stat().st_size
    expected = 1 + -(-size // (1 << 20)) if ranges else 1
    assert used == expected, f"{used} requests for {size} bytes"


def test_item_95_wrong_token(world, database, flight):
    from test_node_auth import tokens

    gateway = world.gateway([world.node(task_seconds=0.2)], {**tokens("right", required=True), **database()}, token="right")
    with pytest.raises(NodeResponseError, match="token"):
        pyodm(gateway, "wrong").info()
    with pytest.raises(NodeResponseError, match="token"):
        pyodm(gateway, "wrong").create_task([str(flight.small[0])])
    task = pyodm(gateway, "right").create_task([str(flight.small[0])])
    task.wait_for_completion(interval=0.2)
    with pytest.raises(NodeResponseError, match="token"):
        pyodm(gateway, "wrong").get_task(task.uuid).info()


def test_item_88_webhook_from_pyodm_across_a_restart(world, database, flight):
    receiver = world.receiver(500, 200)
    gateway = world.gateway([world.node(task_seconds=1)], database())
    task = pyodm(gateway).create_task([str(path) for path in flight.small[:2]], webhook=receiver.url + "/done")
    gateway.restart_after_kill()
    task.wait_for_completion(interval=0.2)
    receiver.wait_for(2, seconds=60)
    assert [post["status"] for post in receiver.received] == [500, 200]
    assert {body["uuid"] for body in receiver.bodies()} == {task.uuid}


def test_many_clients_at_once(fleet, flight):
    gateway, nodes = fleet
    made, errors = [], []

    def client(number):
        try:
            task = pyodm(gateway).create_task([str(path) for path in flight.small[number:number + 4]], parallel_uploads=4)
            made.append((task, flight.small[number:number + 4]))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors and len(made) == 12
    for task, _ in made:
        task.wait_for_completion(interval=0.2)
    # A task that moved while its inputs were sent has another name on its node: so by what was received, not by name.
    started = sorted(node.files(uuid) for node in nodes for uuid in node.starts())
    assert started == sorted(sorted((path.name, flight.checksums[path.name]) for path in paths) for _, paths in made)
    assert all(node.starts() for node in nodes), "work is spread over the nodes"


@pytest.mark.only("nodeodm")
def test_item_95_a_plain_node(world, profile, flight, tmp_path):
    server = world.node(task_seconds=1)
    task = pyodm(server).create_task([str(path) for path in flight.everything], {"dsm": True}, name="plain")
    task.wait_for_completion(interval=0.2)
    assert task.info().images_count == 41
    assert_holds(task.download_zip(str(tmp_path)), flight, flight.everything)
    assert task.restart() is True
    assert task.cancel() is True
    assert task.remove() is True


def test_a_gateway_that_is_away_is_a_connection_error(world, database, flight):
    gateway = world.gateway([world.node(task_seconds=1)], database())
    task = pyodm(gateway).create_task([str(flight.small[0])])
    gateway.kill()
    with pytest.raises(NodeConnectionError):
        task.info()
    gateway.start()
    task.wait_for_completion(interval=0.2)

"""Item 96: what WebODM's own tests do with a node, and what its worker does at each tick."""

import io
import zipfile

import requests
from pyodm import Node
from pyodm.exceptions import NodeResponseError
from pyodm.types import TaskStatus

from harness.api import FINAL
from harness.simulator import host_and_port
from harness.waiting import eventually


def test_item_96_webodms_node_test(world, profile, flight, tmp_path):
    target = world.target(profile, task_seconds=0.3, hold=True)
    node = Node(*host_and_port(target.server.url))
    eventually("the node is read", lambda: node.info().engine_version == "3.6.0" or node.info().engine_version)
    info = node.info()
    assert info.version and info.engine == "odm" and info.task_queue_count == 0
    assert node.version_greater_or_equal_than("2.1.2")
    options = {option.name: option for option in node.options()}
    assert len(options) > 20 and options["rerun-from"].domain[1] == "dataset"

    task = node.create_task([str(path) for path in flight.small[:2]], {"dsm": True}, name="test")
    info = task.info()
    assert info.name == "test" and info.status in (TaskStatus.RUNNING, TaskStatus.QUEUED)
    assert info.images_count == 2

    # Not ready: an error that PyODM understands.
    try:
        task.download_zip(str(tmp_path))
        raise AssertionError("a running task has no results")
    except NodeResponseError:
        pass
    assert isinstance(task.output(), list)
    target.hold(False)
    task.wait_for_completion(interval=0.2)
    assert len(task.output()) > 0
    archive = task.download_zip(str(tmp_path))
    assert zipfile.ZipFile(archive).testzip() is None

    # One known option, one unknown: the unknown one goes, three are added.
    assert task.restart({"mesh-size": 12345, "invalid-option": 1}) is True
    again = eventually("it runs anew", lambda: task.info() if task.info().status in (
        TaskStatus.RUNNING, TaskStatus.COMPLETED) else None)
    options = {option["name"]: option["value"] for option in again.options}
    assert options == {"mesh-size": 12345, "pc-ept": True, "cog": True, "gltf": True}
    task.wait_for_completion(interval=0.2)

    assert task.cancel() is True, "also of a finished task"
    assert task.info().status == TaskStatus.CANCELED
    assert task.remove() is True
    for call in (task.remove, task.info, task.cancel, task.restart, task.output):
        try:
            call()
            raise AssertionError(f"{call.__name__} of a removed task must be an error")
        except NodeResponseError as error:
            assert "not found" in str(error)


def test_item_96_a_tick_of_the_worker(world, profile, flight):
    """Each poll asks the task's info from the next line on, then /info; the console is kept by joining lines."""
    target = world.target(profile, task_seconds=2)
    task = Node(*host_and_port(target.server.url)).create_task([str(path) for path in flight.small[:2]])
    console = ""

    def tick():
        nonlocal console
        count = len(console.split("\n")) if console else 0
        answer = requests.get(f"{target.server.url}/task/{task.uuid}/info", {"with_output": count}, timeout=30)
        assert answer.status_code == 200
        info = answer.json()
        assert "error" not in info
        assert 0 <= info["progress"] <= 100 and info["status"]["code"] in (10, 20, 30, 40, 50)
        assert -2**31 <= info["processingTime"] < 2**31 and isinstance(info["options"], list)
        console += "".join(line + "\n" for line in info["output"])
        node = requests.get(target.server.url + "/info", timeout=5).json()
        assert 0 <= node["taskQueueCount"] < 2**31 and len(node["engineVersion"]) <= 32 and len(node["version"]) <= 32
        return info["status"]["code"] in FINAL

    eventually("the task ends", tick, 60, 0.2)
    lines = console.split("\n")
    assert lines and len(set(lines)) > 1


def test_item_96_delete_while_uploading(world, profile, photos):
    """WebODM just stops: an init without a commit stays behind and troubles nobody."""
    target = world.target(profile, task_seconds=0.3)
    target.api.ready(photos[:3])
    assert target.api.tasks() == [] and target.api.info()["taskQueueCount"] == 0
    uuid = target.api.submit(photos[:1])
    target.api.wait(uuid, 40)
    archive = zipfile.ZipFile(io.BytesIO(target.api.download(uuid).content))
    assert "odm_orthophoto/odm_orthophoto.tif" in archive.namelist()

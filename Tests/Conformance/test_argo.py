"""Kind `argo`: tasks of every way in run as workflows of a simulated cluster, over an S3 server between gateway and pods."""

import contextlib
import functools
import http.server
import io
import json
import pathlib
import re
import threading
import time
import zipfile

import pytest
import requests
from pyodm import Node

from harness.api import CANCELED, COMPLETED, FAILED, QUEUED, RUNNING, error_of, plain
from harness.gateway import command, yaml
from harness.images import jpeg, sha256
from harness.s3 import Place
from harness.simulator import host_and_port
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

OWN = "s3://data/scaleodm/"
FLIGHT = "s3://mybucket/drone-images/"
NAME = re.compile(r"odm-pipeline-[bcdfghjklmnpqrstvwxz2456789]{10}")
#: What no shell, no template and no quoting may change.
NASTY = "it's \"quoted\" $(touch /tmp/owned) `id`; rm -rf . {{workflow.name}} {{=1+1}} \\ \n next"


def pictures(count, first=1):
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(first, first + count)]


def settings(s3, **more):
    return {"storage": {"s3": s3.settings()}, "fetch": {"allow_private_addresses": True}, **more}


def workflow_of(uuid, attempt=1):
    name = uuid.lower() if uuid.startswith("odm-pipeline-") else f"odm-pipeline-{uuid.lower()}"
    return name if attempt == 1 else f"{name}-r{attempt}"


def single(cluster):
    """The only workflow that was ever created."""
    names = list(cluster.runs())
    assert len(names) == 1, names
    return names[0]


def zipped(data):
    return zipfile.ZipFile(io.BytesIO(data))


@pytest.fixture(scope="module")
def running(scratch):
    """A gateway over a cluster whose pods run the gateway's own scripts, with real rclone and a stand-in for ODM."""
    from conftest import World

    world = World(scratch / "argo-running")
    world.folder.mkdir()
    world.store = world.s3(buckets=("data", "mybucket"))
    world.cluster = world.argo(s3=world.store, execute=True, parallelism=4)
    world.server = world.gateway([world.cluster], settings(world.store))
    world.store.put(FLIGHT, pictures(5))
    world.store.put(FLIGHT, [("gcp_list.txt", b"EPSG:4326\n"), ("notes.pdf", b"no image")])
    yield world
    world.close()


@pytest.fixture
def api(running):
    return running.server.api


# The ways in.


def test_the_description_s_flow(running, api):
    """`zipurl=s3://…`: images counted by listing, results beside the images, all.zip streamed."""
    made = api.new(name="my project", zipurl=FLIGHT, options='[{"name":"dsm","value":true}]')
    assert NAME.fullmatch(made["uuid"]), made
    shown = api.task(made["uuid"])
    assert shown["imagesCount"] == 5 and shown["s3InputPath"] == FLIGHT
    done = api.wait(made["uuid"], seconds=120)
    assert done["status"]["code"] == COMPLETED and done["progress"] == 100 and done["processingTime"] > 0, done
    assert done["s3OutputPath"] == "s3://mybucket/drone-images-output/" and done["imagesCount"] == 5
    assert running.cluster.runs(made["uuid"]) == 1
    packed = api.download(made["uuid"])
    assert packed.status_code == 200 and zipped(packed.content).testzip() is None
    results = running.store.files("s3://mybucket/drone-images-output/")
    assert {"_STARTED.json", "_DONE.json", "all.zip"} <= set(results)
    assert packed.content == results["all.zip"]
    output = api.output(made["uuid"])
    assert any("ODM app finished" in line or "finished" in line for line in output), output


def test_pyodm_s_upload_is_staged_and_run_under_its_own_names(running, flight, tmp_path):
    node = Node(*host_and_port(running.server.url))
    task = node.create_task([str(path) for path in flight.everything], {"dtm": True}, name="flight", parallel_uploads=4)
    task.wait_for_completion(interval=0.3)
    info = task.info()
    assert info.images_count == 41
    path = task.download_zip(str(tmp_path))
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        images = {entry["filename"] for entry in json.loads(packed.read("images.json"))}
        arguments = json.loads(packed.read("log.json"))["arguments"]
    assert images == {file.name for file in flight.everything if file.name.lower().endswith((".jpg", ".jpeg", ".tif"))}
    assert "--dtm" in arguments
    assert running.cluster.runs(workflow_of(task.uuid)) == 1
    assert not [path for path in running.server.storage_folder.rglob("*") if path.is_file()], "nothing touches its disk"

"""All kinds of backends behind one gateway: two Argo clusters, another ScaleODM, two NodeODM nodes, and one object store."""

import io
import json
import os
import threading
import zipfile

import requests
from pyodm import Node

from .images import GCP, jpeg, sha256
from .simulator import host_and_port
from .waiting import eventually


class Federation:
    """Eight slots in three tiers: the clusters first, then the other ScaleODM, then the nodes.

    Pods run for real, and whatever runs anywhere waits until it is let go: so a test knows who is full.
    """

    def __init__(self, world):
        self.world = world
        self.store = world.s3("moto", buckets=("data", "mybucket"))
        # Engines wait to open this named pipe until somebody writes to it.
        self._gate = world.folder / "gate"
        os.mkfifo(self._gate)
        self._opened = None
        self.fra, self.ams = (world.argo(name, s3=self.store, execute=True) for name in ("fra", "ams"))
        for cluster in (self.fra, self.ams):
            cluster.script(pods=[{"environment": {"FAKE_ODM_GATE": str(self._gate)}}])
        self.nyc = world.scaleodm(self.store, "nyc")
        self.nyc.script(outcome="hold")
        # As a node that saves its list at each change: after a kill it goes on with what it had.
        self.nodes = [world.node(f"node{number}", max_parallel=1, task_seconds=0.3, init_seconds=0, hold=True, dump="always")
                      for number in (1, 2)]
        self.gateway = world.gateway(
            [self.fra.backend(tier=0, max_parallel_tasks=2), self.ams.backend("kubernetes", tier=0, max_parallel_tasks=2),
             self.nyc.backend(tier=1, max_parallel_tasks=2), *(node.backend(tier=2) for node in self.nodes)],
            {"storage": {"s3": self.store.settings()}})
        self.api = self.gateway.api
        eventually("all backends are online", lambda: all(b["state"] == "online" for b in self.gateway.backends()))

    def release(self):
        """Everything that runs, and all that comes, goes on to its end."""
        # Kept open: also engines that come later find somebody who writes.
        self._opened = os.open(self._gate, os.O_RDWR)
        self.nyc.script(outcome="succeed", seconds=0.1)
        self.nyc.sim("release")
        for node in self.nodes:
            node.set(hold=False)

    def close(self):
        if self._opened is not None:
            os.close(self._opened)

    # Where tasks are.

    def shown(self, uuid):
        return requests.get(f"{self.gateway.admin_url}/api/tasks/{uuid}", timeout=10).json()

    def home(self, uuid):
        """The backend that has accepted a task."""

        def accepted():
            task = self.shown(uuid)
            assert task["state"] in ("placed", "completed"), task["state"]
            return task["backend"]

        return eventually(f"{uuid} is placed", accepted, 60)

    def backend(self, name):
        return next(backend for backend in self.gateway.backends() if backend["name"] == name)


class Job:
    """A task with inputs of its own, and what has to come back of them."""

    def __init__(self, federation, number, by, with_gcp=False):
        self.federation = federation
        self.images = [(f"IMG_{n:04d}.JPG", jpeg(n)) for n in range(number * 10, number * 10 + 3)]
        self.files = self.images + ([("gcp_list.txt", GCP)] if with_gcp else [])
        self.place = f"s3://mybucket/flight-{number}/"
        self.by = by
        self.uuid = {"PyODM": self._by_pyodm, "S3": self._by_s3, "one request": self._by_one_request}[by](number)

    def _by_pyodm(self, number):
        folder = self.federation.world.folder / f"flight-{number}"
        folder.mkdir()
        for name, body in self.files:
            (folder / name).write_bytes(body)
        node = Node(*host_and_port(self.federation.gateway.url))
        self.task = node.create_task([str(folder / name) for name, _ in self.files], {"dsm": True}, name=f"Flight {number}",
                                     parallel_uploads=3)
        return self.task.uuid

    def _by_s3(self, number):
        self.federation.store.put(self.place, self.files)
        made = self.federation.api.new(zipurl=self.place, name=f"Flight {number}", options='[{"name":"dsm","value":true}]')
        return made["uuid"]

    def _by_one_request(self, number):
        made = self.federation.api.new(self.files, name=f"Flight {number}", options='[{"name":"dsm","value":true}]')
        return made["uuid"]

    def assert_came_back(self, folder):
        """Its results, by the client's own way, are made of exactly its inputs."""
        info = self.federation.api.wait(self.uuid, 40, seconds=180)
        assert (info["imagesCount"], info["progress"]) == (len(self.images), 100), info
        if self.by == "PyODM":
            folder = folder / self.uuid
            with open(self.task.download_zip(str(folder)), "rb") as file:
                body = file.read()
        else:
            answer = self.federation.api.download(self.uuid)
            assert answer.status_code == 200, answer.text
            body = answer.content
        assert inputs_of(body) == {name: sha256(data) for name, data in self.files}, self.uuid


def inputs_of(results):
    """Checksums of what an all.zip was made of, by name: told by the simulated engines, or the files themselves from a node."""
    with zipfile.ZipFile(io.BytesIO(results)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        if "odm_report/inputs.json" in names:
            return json.loads(archive.read("odm_report/inputs.json"))
        return {name.rsplit("/", 1)[-1]: sha256(archive.read(name)) for name in names if name.startswith(("images/", "gcp/"))}


class Polling:
    """A client that polls all the while, also while the gateway is away; no answer may be other than a status."""

    def __init__(self, api, uuids):
        self._api, self._uuids = api.with_token(None), list(uuids)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self.answers, self.wrong = 0, []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join(30)

    def _poll(self):
        while not self._done.wait(0.1):
            for uuid in self._uuids:
                try:
                    answer = self._api.get(f"/task/{uuid}/info")
                except requests.ConnectionError:
                    continue
                if answer.status_code != 200 or answer.json().get("status", {}).get("code") not in (10, 20, 40):
                    self.wrong.append(answer.text)
                self.answers += 1

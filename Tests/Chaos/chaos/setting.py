"""The programs of one run: gateways on one PostgreSQL and one S3, and six backends, each behind a cable of its own."""

import contextlib
import pathlib
import threading
import time

import requests

from conftest import World
from harness.postgres import Postgres
from harness.replicas import Replicas

from .schedule import CLUSTERS, NODES

#: How long tasks run, in seconds.
RUN_SECONDS = {"node-saves": 0.3, "node-forgets": 0.4, "node-too": 0.2, "argo-server": 0.6, "argo-kubernetes": 0.8, "scaleodm": 1.0}
SLOTS = {"node-saves": 2, "node-forgets": 2, "node-too": 2, "argo-server": 3, "argo-kubernetes": 3, "scaleodm": 3}


class Setting:
    """Everything that runs, by name, and when each backend was killed."""

    def __init__(self, folder, schedule):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.schedule = schedule
        self._closing = contextlib.ExitStack()
        self.world = World(self.folder)
        self._closing.callback(self.world.close)
        #: (backend, dead at, back at), in ms since 1970.
        self.deaths = []
        #: One thing breaks it at a time.
        self.turns = {}
        self._note = threading.Lock()
        self.backends = {}
        self.cables = {}

    def start(self):
        self.postgres = Postgres()
        self._closing.callback(self.postgres.close)
        self.s3 = self.world.s3("rclone")
        self.cables["s3"] = self.world.cable(self.s3.port)
        for name in NODES:
            self._add(self.world.node(name, dump="hourly" if name == "node-forgets" else "always", init_seconds=0,
                                      max_parallel=SLOTS[name], task_seconds=RUN_SECONDS[name], output_lines=6))
        for name in CLUSTERS:
            self._add(self.world.argo(name, s3=self.s3, keeps_state=True, parallelism=SLOTS[name],
                                      run_seconds=RUN_SECONDS[name]))
        self._add(self.world.scaleodm(self.s3, "scaleodm", state=self.folder / "scaleodm-state",
                                      parallelism=SLOTS["scaleodm"], run_seconds=RUN_SECONDS["scaleodm"]))
        self.replicas = Replicas(self.world, [self._entry(name) for name in self.backends], self.postgres.database(),
                                 {"s3": {**self.s3.settings(), "endpoint": self.cables["s3"].url}},
                                 self.schedule.replicas,
                                 {"scheduling": {"refresh": "500ms", "spill_after": "500ms"}, "mirror": {"refresh": "500ms"}})
        for name in (*self.backends, *self.cables, "postgres", *(f"replica-{n}" for n in range(self.schedule.replicas))):
            self.turns[name] = threading.Lock()

    def _add(self, backend):
        self.backends[backend.name] = backend
        self.cables[backend.name] = self.world.cable(backend.port)

    def _entry(self, name):
        """The backend in the inventory."""
        entry = {**self.backends[name].backend(), "url": self.cables[name].url}
        if name in CLUSTERS:
            entry |= {"api": "kubernetes" if name == "argo-kubernetes" else "argo-server", "create_fence": "30s"}
        if name not in NODES:
            entry["max_parallel_tasks"] = SLOTS[name]
        return entry

    def replica(self, name):
        return self.replicas.all[int(name.rsplit("-", 1)[1])]

    def note_death(self, name, dead_at):
        with self._note:
            self.deaths.append((name, dead_at, now()))

    def journal(self, name):
        """The file in which a backend notes every start."""
        backend = self.backends[name]
        if name in NODES:
            return backend.folder / "journal.jsonl"
        return pathlib.Path(backend.flags["state"]) / "journal.jsonl"

    def held_by(self, name):
        """The tasks that a backend has, by its own names."""
        backend = self.backends[name]
        if name in CLUSTERS:
            return [workflow["metadata"]["name"] for workflow in backend.workflows()]
        if name in NODES:
            return backend.api.tasks()
        return [task["uuid"] for task in requests.get(backend.url + "/task/list", timeout=10).json()]

    def close(self):
        self._closing.close()


def now():
    return int(time.time() * 1000)

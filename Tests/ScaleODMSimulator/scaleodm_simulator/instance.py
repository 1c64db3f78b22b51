"""The instance itself: it takes tasks, runs so many at a time, and puts results into S3."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import fnmatch
import functools
import hashlib
import json
import pickle
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from simulator_kit import products
from simulator_kit.bucket import Place, Storage
from simulator_kit.clock import Clock
from simulator_kit.journal import Journal
from simulator_kit.keeping import Keeping
from simulator_kit.timers import Timers

from .problems import Problem, unknown_task
from .submission import Submission
from .tasks import CANCELED, COMPLETED, FAILED, QUEUED, RUNNING, Task, new_name

_IMAGES = (".jpg", ".jpeg", ".tif", ".tiff", ".png")
_LINES = ("[INFO]    Initializing ODM 3.6.0", "[INFO]    Running dataset stage", "[INFO]    ODM app finished")
_OUTCOMES = ("succeed", "fail", "hold")


@dataclasses.dataclass
class Knobs:
    """Times in seconds, and limits; `/_sim/set` changes them."""

    queueSeconds: float = 0.05
    runSeconds: float = 1.0
    #: Workflows that run at the same time. Nobody can read it over the API.
    parallelism: int = 10
    #: Workflows of others in the namespace: they count in taskQueueCount and stand in the list.
    foreign: int = 0
    #: Its own list of workflows fails: it then reports an empty queue, and an empty list.
    listFails: bool = False
    #: Until a finished workflow is collected and vanishes from the list.
    ttlSeconds: float = 86400.0
    #: How long a missing workflow is waited for; only polls of the task's info look.
    missingGraceSeconds: float = 300.0
    image: str = "opendronemap/odm:3.6.0"


@dataclasses.dataclass
class Fate:
    """What is going to happen to tasks whose input fits `read`, so many times."""

    read: str = "*"
    times: int | None = None
    outcome: str = "succeed"
    message: str = "process: Error (exit code 1)"
    seconds: float | None = None
    results: bool = True

    def __post_init__(self) -> None:
        if self.outcome not in _OUTCOMES:
            raise ValueError(f"outcome is one of {_OUTCOMES}, not {self.outcome!r}")


class Instance:
    """State and runs. Methods that clients reach raise Problem."""

    def __init__(self, storage: Storage, knobs: Knobs | None = None, journal: Journal | None = None,
                 keeping: Keeping | None = None) -> None:
        self.storage = storage
        self.knobs = knobs or Knobs()
        self.clock = Clock()
        self.journal = journal or Journal()
        self._keeping = keeping
        self.timers = Timers()
        self._lock = threading.RLock()
        self._tasks: dict[str, Task] = {}
        self._fates: list[Fate] = []
        #: Tasks whose fate is to hold, until they are released.
        self._held: list[tuple[Task, Fate]] = []
        # Beside the timers' thread, which must not wait for a network.
        self._workers = concurrent.futures.ThreadPoolExecutor(8, "scaleodm")

    # Its database, and the cluster behind it.

    def resume(self) -> None:
        """Takes up what an earlier life kept. Workflows don't end with the instance: what ran goes on, and isn't a new start."""
        for value in self._keeping.all() if self._keeping else ():
            task: Task = pickle.loads(value)
            self._tasks[task.uuid] = task
            if task.final or not task.workflow:
                continue
            if self.journal.count("startedFor", task.submission.source.url):
                task.code, task.started = RUNNING, task.started or self.clock.time()
                self._run(task)
            else:
                self.timers.after(self.knobs.queueSeconds, functools.partial(self._begin, task))

    def _keep(self, task: Task) -> None:
        """After a change of the row."""
        if not self._keeping:
            return
        if self._tasks.get(task.uuid) is task:
            self._keeping.put(task.uuid, pickle.dumps(task))
        else:
            self._keeping.delete(task.uuid)

    # What clients ask for.

    def submit(self, submission: Submission) -> Task:
        """Takes a task. There is no key that would make a second submission of the same thing harmless."""
        task = Task(new_name(), submission, self._count_images(submission), self.clock.time())
        with self._lock:
            self._tasks[task.uuid] = task
            self._keep(task)
        self.journal.effect("created", task.uuid)
        self.journal.effect("createdFor", submission.source.url)
        self.timers.after(self.knobs.queueSeconds, lambda: self._begin(task))
        return task

    def _count_images(self, submission: Submission) -> int:
        try:
            names = [name for name, _ in self.storage.list(submission.source)]
        except (BotoCoreError, ClientError) as error:
            raise Problem(400, f"cannot list {submission.source.url}: {error}") from None
        # Its count passes over the depth, unlike its pods.
        images = [name for name in names if name.lower().endswith(_IMAGES)
                  and not any(fnmatch.fnmatch(name, pattern) for pattern in submission.excludes)]
        if not images:
            raise Problem(400, f"no images found below {submission.source.url}")
        return len(images)

    def find(self, uuid: str) -> Task:
        """The row, with what looking at the workflow changes in it."""
        with self._lock:
            task = self._tasks.get(uuid)
            if task is None:
                raise unknown_task(uuid)
            self._look_for_workflow(task)
            return task

    def _look_for_workflow(self, task: Task) -> None:
        """A missing workflow fails its task after a grace, and only because somebody polls."""
        if task.final or task.workflow:
            return
        now = self.clock.monotonic()
        task.missing_since = task.missing_since or now
        if now - task.missing_since >= self.knobs.missingGraceSeconds:
            task.code, task.message, task.finished = FAILED, "workflow is missing from the cluster", self.clock.time()
            self._keep(task)

    def names(self) -> list[str]:
        """Every workflow of the namespace, foreign ones too; collected ones not."""
        if self.knobs.listFails:
            return []
        with self._lock:
            own = [task.uuid for task in self._tasks.values() if task.workflow]
        return own + [f"foreign-{number}" for number in range(self.knobs.foreign)]

    def queue_count(self) -> int:
        """Pending and running workflows of the whole namespace; 0 where they can't be listed."""
        if self.knobs.listFails:
            return 0
        with self._lock:
            return sum(task.workflow and not task.final for task in self._tasks.values()) + self.knobs.foreign

    def rows(self) -> list[Task]:
        with self._lock:
            return list(self._tasks.values())

    def cancel(self, uuid: str) -> None:
        """The workflow is deleted, and its log with it."""
        task = self.find(uuid)
        with self._lock:
            if task.final:
                raise Problem(409, f"task {uuid} is already in a final state")
            task.workflow, task.output = False, []
            self._end(task, CANCELED, "")

    def remove(self, uuid: str) -> None:
        """Workflow and row go; what was written to S3 stays."""
        task = self.find(uuid)
        with self._lock:
            task.workflow = False
            del self._tasks[uuid]
            self._keep(task)
        self.journal.effect("removed", uuid)

    def restart(self, uuid: str) -> None:
        """A new workflow takes the row over. Its name is the task's new uuid, which the caller isn't told."""
        task = self.find(uuid)
        if not task.final:
            raise Problem(409, f"task {uuid} is still running")
        with self._lock:
            del self._tasks[uuid]
            self._keep(task)
        self.submit(dataclasses.replace(task.submission, image=self.knobs.image))

    def add_fate(self, body: dict[str, Any]) -> None:
        with self._lock:
            self._fates.insert(0, Fate(**body))

    def release(self) -> None:
        """What was held goes on to a good end."""
        with self._lock:
            held, self._held = self._held, []
        for task, fate in held:
            self._finish_later(task, fate)

    def vanish(self, uuid: str) -> None:
        """Somebody deletes the workflow by hand; the row stays."""
        task = self.find(uuid)
        task.workflow = False
        self._keep(task)

    # Runs.

    def _begin(self, task: Task) -> None:
        with self._lock:
            running = sum(t.code == RUNNING and t.workflow for t in self._tasks.values())
            if not self._alive(task, QUEUED):
                return
            if running >= self.knobs.parallelism:
                self.timers.after(0.05, lambda: self._begin(task))
                return
            task.code, task.started = RUNNING, self.clock.time()
        self.journal.effect("startedFor", task.submission.source.url)
        self.journal.effect("started", task.uuid)
        task.output += _LINES[:2]
        self._keep(task)
        self._run(task)

    def _run(self, task: Task) -> None:
        fate = self._fate(task)
        if fate.outcome == "hold":
            with self._lock:
                self._held.append((task, fate))
            return
        seconds = self.knobs.runSeconds if fate.seconds is None else fate.seconds
        self.timers.after(seconds, lambda: self._finish_later(task, fate))

    def _alive(self, task: Task, code: int) -> bool:
        return task.workflow and task.code == code and self._tasks.get(task.uuid) is task

    def _fate(self, task: Task) -> Fate:
        with self._lock:
            for fate in self._fates:
                if fate.times != 0 and fnmatch.fnmatchcase(task.submission.source.url, fate.read):
                    if fate.times is not None:
                        fate.times -= 1
                    return fate
        return Fate()

    def _finish_later(self, task: Task, fate: Fate) -> None:
        self._workers.submit(self._finish, task, fate)

    def _finish(self, task: Task, fate: Fate) -> None:
        if not self._alive(task, RUNNING):
            return
        code, message = (FAILED, fate.message) if fate.outcome == "fail" else (COMPLETED, "")
        if code == COMPLETED and fate.results:
            try:
                self._write_results(task)
            except (BotoCoreError, ClientError) as error:
                code, message = FAILED, f"upload: Error (exit code 1): {error}"
        with self._lock:
            if not self._alive(task, RUNNING):
                return
            task.output.append(message or _LINES[2])
            self._end(task, code, message)
        self.timers.after(self.knobs.ttlSeconds, lambda: setattr(task, "workflow", False))

    def _write_results(self, task: Task) -> None:
        """Everything but images goes up; there is no all.zip among it."""
        source = task.submission.source
        images = [name for name, _ in self.storage.list(source)
                  if name.lower().endswith(_IMAGES) and task.submission.brings(name)]
        checksums = {name.rsplit("/", 1)[-1]: hashlib.sha256(self.storage.get(source, name)).hexdigest() for name in images}
        for name, body in products.results(task.uuid, checksums, task.submission.options).items():
            self.storage.put(task.submission.target, name, body)

    def _end(self, task: Task, code: int, message: str) -> None:
        task.code, task.message, task.finished = code, message, self.clock.time()
        self._keep(task)
        self.journal.effect("ended", task.uuid)
        if task.submission.webhook:
            self._workers.submit(send_webhook, task.submission.webhook, task.uuid, code, time.sleep)


def send_webhook(url: str, uuid: str, code: int, pause: Callable[[float], None]) -> None:
    """Up to three tries, kept in memory only: a restart of the instance loses them."""
    body = json.dumps({"uuid": uuid, "statusCode": code}).encode()
    for number in range(3):
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            pause(0.1 * (number + 1))


def files_below(storage: Storage, place: Place) -> dict[str, int]:
    """Names and sizes; nothing for a bucket that isn't there."""
    try:
        return dict(storage.list(place))
    except ClientError:
        return {}

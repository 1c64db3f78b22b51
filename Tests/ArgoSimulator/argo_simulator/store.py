"""The cluster's memory: workflows with resource versions, the history that watches read, the lagging view, the archive.

One lock guards all. What leaves the store are snapshots, one for each version and shared by all readers: nobody may
change them, and a list of a thousand workflows copies nothing.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from simulator_kit.clock import Clock, rfc3339
from simulator_kit.journal import Journal
from simulator_kit.keeping import Keeping

from .errors import ClusterError, gone, workflow_not_found
from .selectors import Labels

Workflow = dict[str, Any]
Key = tuple[str, str]

PREFIX = "workflows.argoproj.io/"
PHASE, COMPLETED, ARCHIVING = PREFIX + "phase", PREFIX + "completed", PREFIX + "workflow-archiving-status"
#: Kubernetes' alphabet of generated names: no vowels, so that no words come out.
_GENERATED = "bcdfghjklmnpqrstvwxz2456789"


def copy_of(value: Workflow) -> Workflow:
    """A deep copy; objects are JSON, and this is several times faster than copy.deepcopy."""
    return json.loads(json.dumps(value))


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One change. `time` is monotonic and tells the lagging view when it may see the change."""

    version: int
    kind: str
    workflow: Workflow
    time: float = 0.0
    #: The object before the change: a watch with a selector must tell when an object leaves its selection.
    previous: Workflow | None = None

    def kind_for(self, fits: Callable[[Labels], bool]) -> str:
        """What a watch with this selector calls the change; empty when it is none of its business.

        An object whose labels stop to fit is DELETED to that watch, and one whose labels begin to fit is ADDED.
        """
        before = self.previous is not None and fits(labels_of(self.previous))
        after = self.kind != "DELETED" and fits(labels_of(self.workflow))
        if before and after:
            return "MODIFIED"
        return "ADDED" if after else "DELETED" if before else ""


def labels_of(workflow: Workflow) -> Labels:
    return workflow["metadata"].get("labels") or {}


class Store:
    """Workflows by namespace and name."""

    def __init__(self, clock: Clock, journal: Journal, history: int = 10_000, keeping: Keeping | None = None) -> None:
        self.clock = clock
        self.journal = journal
        self._keeping = keeping
        self.changed = threading.Condition(threading.RLock())
        #: Seconds by which the Argo Server's list lags behind.
        self.list_lag = 0.0
        self._live: dict[Key, Workflow] = {}
        self._snapshots: dict[Key, Workflow] = {}
        self._archive: dict[str, Workflow] = {}
        self._version = 1000
        self._history: collections.deque[Event] = collections.deque(maxlen=history)
        self._oldest = self._version
        self._seen: dict[Key, Workflow] = {}
        self._unseen: collections.deque[Event] = collections.deque()
        if keeping:
            self._recall(keeping)

    def _recall(self, keeping: Keeping) -> None:
        """Takes up what an earlier life kept: the objects, but no history, so that watches from before get 410."""
        for value in keeping.all():
            workflow = json.loads(value)
            key = workflow["metadata"]["namespace"], workflow["metadata"]["name"]
            self._live[key], self._snapshots[key], self._seen[key] = workflow, copy_of(workflow), copy_of(workflow)
        # Higher than any that an earlier life gave.
        self._version = self._oldest = int(self.clock.time() * 1000)

    @property
    def version(self) -> int:
        with self.changed:
            return self._version

    @property
    def oldest(self) -> int:
        """A watch from before this version has lost events."""
        with self.changed:
            return self._oldest

    # Writing.

    def create(self, namespace: str, manifest: Workflow, dry_run: bool = False) -> Workflow:
        """Stores a new workflow and returns it as stored; 409 when the name is taken."""
        workflow = copy_of(manifest)
        metadata = workflow["metadata"]
        with self.changed:
            if not metadata.get("name"):
                metadata["name"] = metadata["generateName"] + "".join(random.choices(_GENERATED, k=5))
                self.journal.effect("generatedName", metadata["name"])
            key = namespace, metadata["name"]
            if key in self._live:
                raise ClusterError(409, "AlreadyExists", f'workflows.argoproj.io "{key[1]}" already exists')
            metadata |= {"namespace": namespace, "uid": str(uuid.uuid4()), "generation": 1,
                         "creationTimestamp": rfc3339(self.clock.time())}
            workflow |= {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
                         "status": {"startedAt": None, "finishedAt": None}}
            if dry_run:
                return workflow
            self._live[key] = workflow
            self.journal.effect("created", key[1])
            return self._record("ADDED", workflow)

    def update(self, namespace: str, name: str, change: Callable[[Workflow], None], uid: str | None = None) -> Workflow:
        """Applies `change` to the live object under the lock; 404 when it (or that uid) is gone."""
        with self.changed:
            workflow = self._found(namespace, name, uid)
            change(workflow)
            return self._record("MODIFIED", workflow)

    def delete(self, namespace: str, name: str, uid: str | None = None) -> Workflow:
        with self.changed:
            workflow = self._found(namespace, name, None)
            if uid and workflow["metadata"]["uid"] != uid:
                raise ClusterError(409, "Conflict", f"Precondition failed: UID in precondition: {uid}, UID in object meta: "
                                                    f"{workflow['metadata']['uid']}")
            del self._live[namespace, name]
            self.journal.effect("deleted", name)
            return self._record("DELETED", workflow)

    def archive(self, workflow: Workflow) -> None:
        """Keeps a copy of a finished workflow, marked as Argo marks archived ones."""
        kept = copy_of(workflow)
        kept["metadata"].setdefault("labels", {})[ARCHIVING] = "Persisted"
        with self.changed:
            self._archive[kept["metadata"]["uid"]] = kept

    def delete_archived(self, uid: str) -> None:
        with self.changed:
            self._archive.pop(uid, None)

    def compact(self) -> None:
        """Forgets the history: watches from before now get 410, those that run too, as after etcd's compaction.

        (The version grows by one, as though something else in the cluster had changed and been forgotten.)
        """
        with self.changed:
            self._history.clear()
            self._version += 1
            self._oldest = self._version
            self.changed.notify_all()

    def lose_everything(self) -> None:
        """A cluster restored without its state. Versions go on; objects, history and archive are gone."""
        with self.changed:
            self._live.clear()
            self._snapshots.clear()
            self._archive.clear()
            self._seen.clear()
            self._unseen.clear()
            self.compact()

    def _found(self, namespace: str, name: str, uid: str | None) -> Workflow:
        workflow = self._live.get((namespace, name))
        if workflow is None or (uid and workflow["metadata"]["uid"] != uid):
            raise workflow_not_found(name)
        return workflow

    def _record(self, kind: str, workflow: Workflow) -> Workflow:
        """Gives the change a version and makes it history; the snapshot of the object as it is now."""
        self._version += 1
        workflow["metadata"]["resourceVersion"] = str(self._version)
        if len(self._history) == self._history.maxlen:
            self._oldest = self._history[0].version
        key = workflow["metadata"]["namespace"], workflow["metadata"]["name"]
        text = json.dumps(workflow)
        if self._keeping and kind != "DELETED":
            self._keeping.put("/".join(key), text.encode())
        elif self._keeping:
            self._keeping.delete("/".join(key))
        snapshot = json.loads(text)
        previous = self._snapshots.pop(key, None)
        if kind != "DELETED":
            self._snapshots[key] = snapshot
        event = Event(self._version, kind, snapshot, self.clock.monotonic(), previous)
        self._history.append(event)
        self._unseen.append(event)
        self.changed.notify_all()
        return snapshot

    # Reading.

    def get(self, namespace: str, name: str) -> Workflow | None:
        with self.changed:
            return self._snapshots.get((namespace, name))

    def archived(self, uid: str) -> Workflow | None:
        with self.changed:
            return self._archive.get(uid)

    def all_archived(self, namespace: str) -> list[Workflow]:
        with self.changed:
            return [w for w in self._archive.values() if w["metadata"]["namespace"] == namespace]

    def namespaces(self) -> set[str]:
        with self.changed:
            return {namespace for namespace, _ in self._snapshots}

    def all(self, namespace: str) -> tuple[list[Workflow], int]:
        """The truth, as Kubernetes' API lists it, and its resource version."""
        with self.changed:
            return [w for (space, _), w in self._snapshots.items() if space == namespace], self._version

    def cached(self, namespace: str) -> tuple[list[Workflow], int]:
        """What the Argo Server's cache shows: the truth of `list_lag` seconds ago."""
        with self.changed:
            horizon = self.clock.monotonic() - self.list_lag
            while self._unseen and self._unseen[0].time <= horizon:
                event = self._unseen.popleft()
                key = event.workflow["metadata"]["namespace"], event.workflow["metadata"]["name"]
                if event.kind == "DELETED":
                    self._seen.pop(key, None)
                else:
                    self._seen[key] = event.workflow
            version = self._unseen[0].version - 1 if self._unseen else self._version
            return [w for (space, _), w in self._seen.items() if space == namespace], version

    def watch(self, namespace: str, version: int | None, seconds: float, pulse: float) -> Iterator[Event | None]:
        """Events after `version`; None as a pulse whenever nothing came for `pulse` seconds; ends after `seconds`.

        Without a version the present objects come first, as ADDED. A version that is no longer in the history raises
        410, at the start and in the middle of the stream alike.
        """
        end = self.clock.monotonic() + seconds
        if version is None:
            objects, version = self.all(namespace)
            yield from (Event(int(w["metadata"]["resourceVersion"]), "ADDED", w) for w in objects)
        elif version < self._oldest:
            raise gone(version, self._oldest)
        while (now := self.clock.monotonic()) < end:
            events = self._wait(namespace, version, min(pulse, end - now))
            if not events:
                yield None
            for event in events:
                version = event.version
                yield event

    def _wait(self, namespace: str, version: int, seconds: float) -> list[Event]:
        """Waits for events after `version`; empty when none came."""
        with self.changed:
            self.changed.wait_for(lambda: self._version > version, seconds)
            if version < self._oldest:
                raise gone(version, self._oldest)
            fresh = []
            for event in reversed(self._history):
                if event.version <= version:
                    break
                if event.workflow["metadata"]["namespace"] == namespace:
                    fresh.append(event)
            return fresh[::-1]

"""What came out: every task final, run once, and downloaded whole; by the backends' own journals, not by what a gateway says.

A run is what a backend's journal calls a start. A task may run again only where its run died with its backend: that was killed
after the start and before the next one, and no result of the run was taken. What a node starts by itself from a saved task list
after a kill isn't the gateway's; it is counted apart.
"""

import collections
import dataclasses
import json
import re

from harness.api import COMPLETED
from harness.images import sha256
from harness.s3 import Place
from harness.waiting import NotYet, eventually

from .schedule import CLUSTERS, NODES


#: Findings that are told.
MOST_TOLD = 50


@dataclasses.dataclass(frozen=True)
class Start:
    """A run began on a backend, under the backend's own name of the task."""

    backend: str
    name: str
    at: int


class Verdict:
    """Findings, each a sentence that names the task; none means that all is well."""

    #: A backend that couldn't be reached is cleaned up when it is tried again, in seconds.
    PATIENCE = 120

    def __init__(self, setting, crowd, faults, operator, admin):
        self._setting = setting
        self._clients = crowd.clients
        self._operator = operator
        self._admin = admin
        self.findings = [f"fault {error}" for error in faults.errors] + [f"operator: {error}" for error in operator.errors]
        self.counts = collections.Counter(tasks=len(crowd.clients))
        self.faults = faults.counts
        self._starts = self._read_starts()
        self._shown = {client.plan.uuid: admin.task(client.plan.uuid) for client in self._clients if client.code is not None}

    def judge(self):
        for client in self._clients:
            self._judge_client(client)
            if client.plan.uuid in self._shown:
                self._judge_runs(client)
            if client.download:
                self._judge_download(client)
        self._judge_strangers()
        self._judge_replicas()
        self._judge_leftovers()
        return self

    def _found(self, client, text):
        uuid = client.plan.uuid
        attempts = [f"{a['number']} {a['backend']} {a['state']} {a.get('outcome', '')}" for a in self._shown.get(uuid, {}).get("attempts", ())]
        self.findings.append(f"task {client.plan.number} {uuid}: {text} (attempts: {'; '.join(attempts)})")

    # What the client saw.

    def _judge_client(self, client):
        for finding in client.findings:
            self._found(client, f"its client got {finding}")
        if client.code != COMPLETED or client.download is None:
            self._found(client, f"it didn't end well: {client.code}, {client.steps}")
        else:
            self.counts["completed and downloaded"] += 1
        if client.told_lost:
            self.counts["results lost with their node, run again"] += 1

    # Runs.

    def _read_starts(self):
        """All starts by (backend, name), in order."""
        starts = collections.defaultdict(list)
        event = {**dict.fromkeys(NODES, "start"), **dict.fromkeys(CLUSTERS, "started"), "scaleodm": "startedFor"}
        for backend in self._setting.backends:
            for line in self._setting.journal(backend).read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                if entry["event"] == event[backend]:
                    starts[backend, entry["uuid"]].append(Start(backend, entry["uuid"], entry["time"]))
        return starts

    def _judge_runs(self, client):
        uuid, attempts = client.plan.uuid, self._shown[client.plan.uuid]["attempts"]
        names = [(a["backend"], self._name(uuid, a), a) for a in attempts]
        runs = [(self._starts.get((backend, name), []), attempt) for backend, name, attempt in names]
        for backend, name, _ in names:
            self._starts.pop((backend, name), None)
        begun = [(starts, attempt) for starts, attempt in runs if starts]
        self.counts["runs"] += sum(len(starts) for starts, _ in begun)
        if not begun:
            self._found(client, "no backend ever ran it")
        for starts, attempt in begun:
            self._judge_own_restarts(client, starts)
        for (starts, attempt), (following, _) in zip(begun, begun[1:]):
            self._judge_rerun(client, starts, attempt, following[0])

    @staticmethod
    def _name(uuid, attempt):
        """By what name the backend's journal knows an attempt."""
        if attempt["backend"] == "scaleodm":
            return f"s3://data/scaleodm/{uuid}/input/attempt-{attempt['number']}/"
        return attempt["backendTask"]

    def _judge_own_restarts(self, client, starts):
        """A node that was killed starts anew what its task list calls running."""
        for one, other in zip(starts, starts[1:]):
            if self._died_between(one.backend, one.at, other.at):
                self.counts["started anew by their node itself"] += 1
            else:
                self._found(client, f"{one.backend} started it at {one.at} and again at {other.at}")

    def _judge_rerun(self, client, starts, attempt, following):
        first = starts[0]
        if attempt.get("outcome") == "fenced" and self._begun_on_return(client, attempt, first):
            # Given up while its backend was dead: that began it on its return, before the gateway could remove it.
            self.counts["begun by an evacuated backend on its return"] += 1
            return
        died = self._died_between(first.backend, first.at, following.at)
        taken = attempt.get("outcome") == "completed" and not any(at <= following.at for at in client.told_lost)
        if died and not taken:
            self.counts["run again after their backend died"] += 1
        else:
            why = "its result was taken" if taken else "its backend lived"
            self._found(client, f"it ran on {first.backend} at {first.at} and on {following.backend} at {following.at}; {why}")

    def _died_between(self, backend, begin, end):
        return any(name == backend and begin <= dead_at <= end for name, dead_at, _ in self._setting.deaths)

    def _begun_on_return(self, client, attempt, start):
        """Whether an attempt was given up while its backend was dead, and began after that."""
        events = self._shown[client.plan.uuid]["events"]
        given_up = [event["at"] for event in events if event["kind"] == "fenced" and event.get("attempt") == attempt["number"]]
        return any(name == start.backend and dead_at <= at <= back_at and at < start.at
                   for name, dead_at, back_at in self._setting.deaths for at in given_up)

    def _judge_strangers(self):
        """What ran and is no task's attempt."""
        for (backend, name), starts in self._starts.items():
            if starts:
                self.findings.append(f"{backend} ran {name}, which is no attempt of any task")

    # Results.

    def _judge_download(self, client):
        if client.download.problem:
            return self._found(client, f"its archive is broken: {client.download.problem}")
        if client.plan.uuid not in self._shown:
            return None
        done = [a for a in self._shown[client.plan.uuid]["attempts"] if a.get("outcome") == "completed"]
        if not done:
            return self._found(client, "it was downloaded and no attempt of it is completed")
        judge = self._judge_archive_of_node if done[-1]["backend"] in NODES else self._judge_archive_in_s3
        judge(client, done[-1])
        self.counts[f"results of {done[-1]['backend']}"] += 1
        return None

    def _judge_archive_of_node(self, client, attempt):
        """A node's results hold the images that it received: each is what was sent."""
        sent = {name: sha256(data) for name, data in client.pictures}
        got = {name.removeprefix("images/"): sha256(data) for name, data in client.download.files.items()
               if name.startswith("images/")}
        if got != sent:
            self._found(client, f"its results hold {sorted(got)} instead of {sorted(sent)}, or other bytes under these names")
        if "odm_orthophoto/odm_orthophoto.tif" not in client.download.files:
            self._found(client, "its results lack the orthophoto")

    def _judge_archive_in_s3(self, client, attempt):
        """Byte for byte what the run left in the bucket; `all.zip` of ScaleODM is made on the spot from the files there."""
        place = Place.parse(f"s3://data/scaleodm/{client.plan.uuid}/attempt-{attempt['number']}/")
        kept = {name: self._setting.s3.storage.get(place, name) for name, _ in self._setting.s3.storage.list(place)}
        if attempt["backend"] in CLUSTERS:
            if sha256(kept.get("all.zip", b"")) != client.download.sha256:
                self._found(client, "its download isn't the all.zip that its run left")
        else:
            if not kept or client.download.files != kept:
                self._found(client, f"its download holds other files than its run left: {sorted(client.download.files)}, {sorted(kept)}")
            self._judge_inputs(client)
        mark = f"task {client.plan.uuid}" if attempt["backend"] in CLUSTERS else f"task {attempt['backendTask']}"
        if mark.encode() not in client.download.files.get("odm_report/report.pdf", b""):
            self._found(client, "its results are another task's")

    def _judge_inputs(self, client):
        """The instance tells the checksums of what it read."""
        sent = {name: sha256(data) for name, data in client.pictures}
        read = json.loads(client.download.files.get("odm_report/inputs.json", b"{}"))
        if read != sent:
            self._found(client, f"its run read {sorted(read)} instead of {sorted(sent)}, or other bytes under these names")

    # The end.

    def _judge_replicas(self):
        """Every replica shows the same end."""
        for gateway in self._setting.replicas.all:
            for client in self._clients:
                if client.download and gateway.api.code(client.plan.uuid) != COMPLETED:
                    self._found(client, f"{gateway.url} shows {gateway.api.task(client.plan.uuid)['status']}")

    def _judge_leftovers(self):
        """What backends have is what the record says that they have: half-sent areas and given-up copies are gone after a while."""
        owned = {(shown["attempts"][-1]["backend"], shown["attempts"][-1]["backendTask"]) for shown in self._shown.values()}

        def strangers():
            kept = {(backend, name) for backend in self._setting.backends for name in self._setting.held_by(backend)}
            assert kept <= owned, f"left behind: {sorted(kept - owned)}"
            return True

        try:
            eventually("only what is owned is left", strangers, self.PATIENCE, 1)
        except NotYet as error:
            self.findings.append(str(error))

    def text(self):
        lines = [f"{count:6}  {what}" for what, count in sorted(self.counts.items())]
        lines += [f"{len(self._operator.released):6}  held submissions released"]
        lines += [f"{count:6}  {re.sub('-', ' ', what)}" for what, count in sorted(self.faults.items())]
        lines += [f"{len(self.findings):6}  findings", *(f"        {finding}" for finding in self.findings[:MOST_TOLD])]
        return "\n".join(lines)

"""The owners of tasks: each sends, polls and downloads as PyODM does, through whichever replica a balancer gives it.

PyODM tries a step again where the connection breaks or a 503 comes; any other answer counts, and a wrong one is a finding.
"""

import functools
import hashlib
import io
import random
import threading
import time
import zipfile

import requests

from harness.api import COMPLETED, FINAL
from harness.images import jpeg
from harness.wire import multipart


class Client:
    """One task's owner. `findings` are answers that no client should get; `told_lost` when it heard that its results are gone."""

    def __init__(self, plan, replicas, on_commit, deadline):
        self.plan = plan
        self._replicas = replicas
        self._api = replicas.balanced(timeout=60)
        self._on_commit = on_commit
        self._deadline = deadline
        self.findings = []
        self.told_lost = []
        self.code = None
        self.download = None
        self.steps = "not begun"

    @functools.cached_property
    def pictures(self):
        files = [(f"IMG_{number:06d}.JPG", jpeg(number, (48, 32))) for number in self.plan.pictures]
        if self.plan.extra:
            name, data = files[0]
            # A decoder ignores what follows the end of the picture.
            files[0] = name, data + random.Random(self.plan.number).randbytes(self.plan.extra)
        return files

    def live(self):
        """From the first request to the download."""
        try:
            self._send()
            self._follow()
        except OutOfTime:
            self.findings.append(f"not done in time: {self.steps}")

    # Sending.

    def _send(self):
        uuid, files = self.plan.uuid, self.pictures
        made = self._step("init", lambda: self._post("/task/new/init", {"set-uuid": uuid}, [("name", f"task {self.plan.number}")]))
        self._expect(made == {"uuid": uuid}, "init", made)
        for first in range(0, len(files), self.plan.at_once):
            parts = [("images", name, data) for name, data in files[first:first + self.plan.at_once]]
            sent = self._step("upload", lambda parts=parts: self._post(f"/task/new/upload/{uuid}", {}, parts))
            self._expect(sent == {"success": True}, "upload", sent)
        done = self._step("commit", lambda: self._post(f"/task/new/commit/{uuid}", {}, []))
        self._expect(done == {"uuid": uuid}, "commit", done)
        self._on_commit()

    def _post(self, path, headers, parts):
        body, kind = multipart(parts) if parts else (b"", "application/x-www-form-urlencoded")
        return self._api.post(path, data=body, headers={"Content-Type": kind, **headers})

    # Following.

    def _follow(self):
        line = 0
        while True:
            info = self._step("info", lambda: self._api.get(f"/task/{self.plan.uuid}/info", {"with_output": line}))
            if not self._expect(info.get("uuid") == self.plan.uuid and "status" in info, "info", info):
                return
            line += len(info.get("output") or [])
            self.code = info["status"]["code"]
            if self.code in FINAL:
                if not self._expect(self.code == COMPLETED, "end", info) or self._fetch(info):
                    return
                line = 0
            time.sleep(0.4)

    def _fetch(self, info):
        """Downloads; false where the results are gone with the node that had them, and the task begins anew."""
        self._expect(info["imagesCount"] == len(self.pictures), "imagesCount", info)
        answer = self._step("download", lambda: self._api.download(self.plan.uuid), is_json=False)
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            if self._expect("results of this task are gone" in answer.text, "download", answer.text):
                self.told_lost.append(int(time.time() * 1000))
                self._step("restart", lambda: self._api.post("/task/restart", data={"uuid": self.plan.uuid}))
                return False
            return True
        self.download = Download(answer.content)
        return True

    # Patience.

    def _step(self, name, call, is_json=True):
        """The answer of a step, which is repeated where PyODM would."""
        while True:
            self.steps = name
            if time.monotonic() > self._deadline:
                raise OutOfTime
            try:
                answer = call()
            except requests.exceptions.RequestException as error:
                self.steps = f"{name}: {error!r}"
            else:
                if answer.status_code == 200:
                    return answer.json() if is_json else answer
                self.steps = f"{name}: {answer.status_code} {answer.text[:200]}"
                if answer.status_code != 503:
                    self.findings.append(self.steps)
            time.sleep(0.3)

    def _expect(self, condition, step, answer):
        if not condition:
            self.findings.append(f"{step}: {str(answer)[:300]}")
        return condition


class OutOfTime(Exception):
    """The run's time is over."""


class Download:
    """An archive that was downloaded: its checksum, and those of the files in it."""

    def __init__(self, data):
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.problem = ""
        self.files = {}
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                # Reading each compares its CRC.
                self.files = {name: archive.read(name) for name in archive.namelist()}
        except zipfile.BadZipFile as error:
            self.problem = f"{error}: {len(data)} bytes, {data[:100]!r}"


class Crowd:
    """So many clients at a time until every task has had one."""

    def __init__(self, schedule, replicas, at_once, seconds):
        deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._committed = 0
        self.clients = [Client(plan, replicas, self._count, deadline) for plan in schedule.tasks]
        self._waiting = iter(self.clients)
        self._threads = [threading.Thread(target=self._work, name=f"client {number}") for number in range(at_once)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join()

    def committed(self):
        with self._lock:
            return self._committed

    @property
    def done(self):
        return sum(client.download is not None for client in self.clients)

    def _count(self):
        with self._lock:
            self._committed += 1

    def _work(self):
        while True:
            with self._lock:
                client = next(self._waiting, None)
            if client is None:
                return
            client.live()

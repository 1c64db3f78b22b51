"""The cases: what is run on each side, and in which order."""

import dataclasses
import os
import pathlib
import re
import statistics
import subprocess
import sys

from . import nginx
from .gateway import TOKEN, Gateway
from .processes import OTHER_CORE, Meter

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
LARGE = int(os.environ.get("BENCH_MIB", "1024")) << 20
CONNECTIONS = 64


@dataclasses.dataclass
class Run:
    """One run of one side: the amount of work (requests or GiB), and what it took."""

    amount: float
    seconds: float
    cpu_seconds: float
    peak_mib: float

    @property
    def rate(self):
        return self.amount / self.seconds

    @property
    def cost(self):
        """Processor seconds for one request or one GiB."""
        return self.cpu_seconds / self.amount


@dataclasses.dataclass
class Result:
    """All runs of one case, pair by pair."""

    case: "Case"
    nginx: list
    gateway: list

    def rates(self):
        """Gateway's rate over nginx's, each pair for itself: load from elsewhere meets both runs of a pair."""
        return [ours.rate / theirs.rate for theirs, ours in zip(self.nginx, self.gateway)]

    def costs(self):
        """The same for the processor: nginx's cost over the gateway's, so that more is better here too."""
        return [theirs.cost / ours.cost for theirs, ours in zip(self.nginx, self.gateway)]

    def spread(self):
        """How far the rates of one side lie apart, as a part of their median; the worse side counts."""
        sides = ([run.rate for run in side] for side in (self.nginx, self.gateway))
        return max((max(side) - min(side)) / statistics.median(side) for side in sides)


@dataclasses.dataclass
class Case:
    """A name and two ways to do the same work."""

    name: str
    title: str
    #: "requests" or "GiB".
    unit: str
    #: Runs once; returns amount and seconds.
    nginx: callable
    gateway: callable
    nginx_pids: list
    gateway_pids: list
    #: Where throughput varies a lot, the processor's cost decides.
    judges_cost: bool = False

    def run(self):
        """Both sides in turn, the first one changing, after a short run of each that isn't counted."""
        sides = {"nginx": (self.nginx, Meter(self.nginx_pids)), "gateway": (self.gateway, Meter(self.gateway_pids))}
        runs = {"nginx": [], "gateway": []}
        for number in range(-1, ROUNDS):
            for side in ("nginx", "gateway") if number % 2 else ("gateway", "nginx"):
                work, meter = sides[side]
                meter.start()
                amount, seconds = work()
                run = Run(amount, seconds, meter.cpu_seconds(), meter.peak_mib())
                if number >= 0:
                    runs[side].append(run)
        return Result(self, runs["nginx"], runs["gateway"])


class Bench:
    """The servers that all cases share, in one folder that is removed with them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.programs = []
        self.small = self._file("small.zip", 1024)
        self.large = self._file("large.bin", LARGE)

    def _file(self, name, size):
        """A file of bytes that don't repeat within a MiB."""
        path = self.folder / name
        block = os.urandom(min(size, 1 << 20))
        with open(path, "wb") as file:
            for _ in range(0, size, len(block)):
                file.write(block)
        return path

    def add(self, program):
        self.programs.append(program)
        return program

    def close(self):
        for program in reversed(self.programs):
            program.stop()

    def start(self):
        self.node_small = self.add(nginx.node("node-small", self.folder, self.small, images=1))
        self.node_large = self.add(nginx.node("node-large", self.folder, self.large, images=2))
        nodes = [self.node_small, self.node_large]
        self.gateway = self.add(Gateway(self.folder / "gateway", nodes))
        self.task_small = self.gateway.completed_task(images=1)
        self.task_large = self.gateway.completed_task(images=2)

    # The cases.

    def download_1k(self):
        target = f"/task/{self.task_small}/download/all.zip?token={TOKEN}"
        # With 128 KiB buffers nginx would map and unmap one for each request: its default serves it better here.
        proxy = self.add(nginx.proxy("proxy-1k", self.folder, self.node_small, buffer="8k"))
        return self._small("download-1k", "proxied download of 1 KiB", proxy, target)

    def poll(self):
        target = f"/task/{self.task_small}/info?token={TOKEN}"
        body = self.gateway.raw("GET", target.partition("?")[0])[1]
        upstream = self.add(nginx.fixed("upstream-poll", self.folder, body))
        proxy = self.add(nginx.proxy("proxy-poll", self.folder, upstream, buffer="8k"))
        return self._small("poll", f"poll of a task ({len(body)} bytes)", proxy, target)

    def _small(self, name, title, proxy, target):
        return Case(
            name, title, "requests", lambda: wrk(proxy.url + target), lambda: wrk(self.gateway.url + target),
            [proxy.worker], [self.gateway.pid])

    def download(self):
        target = f"/task/{self.task_large}/download/all.zip?token={TOKEN}"
        proxy = self.add(nginx.proxy("proxy-download", self.folder, self.node_large))
        return Case(
            "download", f"download of {LARGE >> 20} MiB", "GiB", lambda: transfer("download", proxy.port, target),
            lambda: transfer("download", self.gateway.port, target), [proxy.worker], [self.gateway.pid],
            judges_cost=True)

    def upload(self):
        return self._upload("upload", f"upload of {LARGE >> 20} MiB into storage", self.gateway)

    def upload_sync(self):
        folder = self.folder / "gateway-sync"
        gateway = self.add(Gateway(folder, [self.node_small, self.node_large], sync=True))
        return self._upload("upload-sync", f"upload of {LARGE >> 20} MiB, storage.sync on", gateway)

    def _upload(self, name, title, gateway):
        root = self.folder / f"{name}-store"
        root.mkdir()
        store = self.add(nginx.store(f"{name}-put", self.folder, root))
        proxy = self.add(nginx.proxy(f"{name}-proxy", self.folder, store))

        def by_put():
            took = transfer("put", proxy.port, "/large.bin", self.large)
            (root / "large.bin").unlink()
            return took

        def by_gateway():
            task = gateway.open_upload()
            took = transfer("form", gateway.port, f"/task/new/upload/{task}?token={TOKEN}", self.large)
            if gateway.stored_bytes(task) != LARGE:
                raise RuntimeError("the file isn't in storage as it was sent")
            gateway.drop_upload(task)
            return took

        return Case(
            name, title, "GiB", by_put, by_gateway, [proxy.worker, store.worker], [gateway.pid], judges_cost=True)


CASES = {
    "download-1k": Bench.download_1k, "poll": Bench.poll, "download": Bench.download, "upload": Bench.upload,
    "upload-sync": Bench.upload_sync,
}


def wrk(url):
    """Requests answered, and the seconds that took; anything but 200 is an error."""
    command = ["taskset", "--cpu-list", str(OTHER_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    count, time, unit = re.search(r"(\d+) requests in ([\d.]+)([sm])", text).groups()
    return int(count), float(time) * (60 if unit == "m" else 1)


def transfer(kind, port, target, *file):
    """GiB moved, and the seconds that took."""
    command = ["taskset", "--cpu-list", str(OTHER_CORE), sys.executable, "-m", "harness.transfer", kind, str(port), target]
    done = subprocess.run([*command, *map(str, file)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    seconds, count = done.stdout.split()
    if int(count) != LARGE:
        raise RuntimeError(f"{count} bytes instead of {LARGE}")
    return LARGE / (1 << 30), float(seconds)

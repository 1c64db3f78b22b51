"""Clients go on while something is in trouble: crowds, a client that hardly reads, S3, a node, a disk or the database away."""

import asyncio
import concurrent.futures
import contextlib
import os
import resource
import socket
import subprocess
import threading
import time

import pytest
import requests

from harness.api import API, error_of
from harness.images import jpeg
from harness.postgres import Postgres
from harness.waiting import eventually
from harness.wire import multipart

pytestmark = pytest.mark.only("gateway")


class Bystander:
    """Clients that have nothing to do with the trouble: they poll, and each answer must be a 200 and in time: none may wait as long
    as what needs a database that is away."""

    PATIENCE = 20

    def __init__(self, gateway, *tasks):
        self._paths = ["/info", "/options", "/task/list", *(f"/task/{uuid}/info" for uuid in tasks)]
        self._url = gateway.url
        self._done = threading.Event()
        self._bad = []
        self.answers = 0
        self._thread = threading.Thread(target=self._poll)

    def _poll(self):
        api = API(self._url)
        while not self._done.is_set():
            for path in self._paths:
                try:
                    answer = api.get(path, timeout=self.PATIENCE)
                    if answer.status_code != 200 or b'"error"' in answer.content:
                        self._bad.append((path, answer.status_code, answer.text[:200]))
                except requests.exceptions.RequestException as error:
                    self._bad.append((path, repr(error)))
                self.answers += 1
            self._done.wait(0.05)

    def without(self, path):
        self._paths.remove(path)
        return self

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._done.set()
        self._thread.join(30)
        if kind is None:
            assert not self._bad, self._bad[:5]
            assert self.answers >= 10


def started_once(nodes, tasks):
    starts = {}
    for node in nodes:
        for uuid, count in node.starts().items():
            starts[uuid] = starts.get(uuid, 0) + count
    assert len(starts) == len(tasks) and set(starts.values()) == {1}, starts


# Crowds


@contextlib.contextmanager
def descriptors(soft):
    """This process, and what it starts meanwhile, may open so many files."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < soft:
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


class Visitor:
    """A client with a connection of its own, which it keeps."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, method, path, body=b"", kind="application/json"):
        head = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\n"
        if method == "POST":
            head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + body)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        answer = await self.reader.readexactly(length)
        assert head.startswith("http/1.1 200") and b'"error"' not in answer, (path, head, answer[:200])
        return answer

    async def poll(self, uuid):
        for _ in range(5):
            await self.ask("GET", f"/task/{uuid}/info")

    async def submit(self, photo):
        body, kind = multipart([("name", "one of many")])
        answer = await self.ask("POST", "/task/new/init", body, kind)
        uuid = answer.split(b'"uuid":"')[1].split(b'"')[0].decode()
        body, kind = multipart([("images", *photo)])
        await self.ask("POST", f"/task/new/upload/{uuid}", body, kind)
        await self.ask("POST", f"/task/new/commit/{uuid}")
        return uuid


async def crowd(address, uuid, photo, pollers, uploaders):
    """All of them are connected before the first one asks; returns the tasks that were committed."""
    visitors = []
    for _ in range(pollers + uploaders):
        visitors.append(Visitor(*await asyncio.open_connection(*address)))
    uploads = [visitor.submit(photo) for visitor in visitors[:uploaders]]
    done = await asyncio.gather(*uploads, *(visitor.poll(uuid) for visitor in visitors[uploaders:]))
    for visitor in visitors:
        visitor.writer.close()
    return done[:uploaders]


def test_a_thousand_clients_at_once(world, photos):
    """The gateway begins with 1,024 descriptors, as shells and containers grant them: fewer than this takes."""
    nodes = [world.node(task_seconds=0, init_seconds=0, max_parallel=8) for _ in range(2)]
    with descriptors(1024):
        gateway = world.gateway(nodes, start=False)
        gateway.start()
    uuid = gateway.api.submit(photos[:1])
    gateway.api.wait(uuid, 40)
    with descriptors(4096):
        tasks = asyncio.run(crowd(gateway.api.address, uuid, photos[0], 900, 100))
    assert len(set(tasks)) == 100
    for task in tasks:
        gateway.api.wait(task, 40)
    started_once(nodes, [uuid, *tasks])
    assert gateway.program.peak_memory() < 128 << 20


# A client that hardly reads


def test_clients_that_read_a_byte_a_second(world, photos):
    """From a node, which holds the rest back meanwhile. Their downloads come to their end all the same."""
    node = world.node(task_seconds=0, result_bytes=24 << 20)
    gateway = world.gateway([node])
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, 40)
    path = f"/task/{uuid}/download/all.zip"
    whole = gateway.api.get(path).content
    before = gateway.program.peak_memory()
    wires = [gateway.api.wire(receive_buffer=8192, timeout=30) for _ in range(12)]
    for wire in wires:
        wire.head("GET", path)
        assert wire.answer_head()[0] == 200
    with Bystander(gateway, uuid):
        for _ in range(3):
            time.sleep(1)
            for wire in wires:
                wire.buffer += wire.socket.recv(1)
            assert gateway.api.get(path).content == whole, "others get theirs"
    assert gateway.program.peak_memory() - before < 24 << 20
    for wire in wires[1:]:
        wire.close()
    wires[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    rest = [wires[0].buffer]
    while sum(map(len, rest)) < len(whole) and (data := wires[0].socket.recv(1 << 20)):
        rest.append(data)
    wires[0].close()
    assert b"".join(rest) == whole


# S3


@pytest.mark.parametrize("trouble", ["slow", "hanging", "refusing"])
def test_object_storage_in_trouble(world, photos, trouble):
    s3, node = world.s3(), world.node(task_seconds=0.2, max_parallel=4)
    cable = world.cable(s3.port)
    settings = {**s3.settings(), "endpoint": cable.url}
    gateway = world.gateway([node], {"storage": {"directory": "data/storage", "min_free": "1MiB", "s3": settings}})
    done = gateway.api.submit(photos[:2])
    gateway.api.wait(done, 40)
    node.set(hold=True)
    running = gateway.api.submit(photos[:2])
    eventually("it runs", lambda: node.starts(running) == 1)
    ready = gateway.api.ready(photos[2:4])
    {"slow": lambda: cable.slow_down(1.0), "hanging": cable.block, "refusing": cable.cut}[trouble]()
    body, kind = multipart([("images", *photos[5])])

    def upload():
        """As clients do it: again after a 503."""
        def taken():
            answer = requests.post(f"{gateway.url}/task/new/upload/{ready}", data=body, headers={"Content-Type": kind}, timeout=60)
            assert answer.status_code in (200, 503), answer.text
            return answer.status_code == 200 and answer.json() == {"success": True}

        return eventually("the upload is taken", taken, 60, 0.5)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        with Bystander(gateway, done, running) as bystander:
            uploads = [pool.submit(upload) for _ in range(4)]
            node.set(hold=False)
            gateway.api.wait(running, 40)
            assert gateway.api.download(running).status_code == 200, "what is on a node needs no storage"
            assert gateway.api.act("cancel", running)["success"] is not None
            eventually("they have polled for a while", lambda: bystander.answers >= 100)
        cable.slow_down(0)
        cable.mend()
        assert all(job.result(90) for job in uploads)
    assert gateway.api.commit(ready) == {"uuid": ready}
    assert gateway.api.wait(ready, 40)["imagesCount"] == 3
    started_once([node], [done, running, ready])


# A node


def test_a_node_that_hangs_with_downloads_open(world, photos):
    frozen, well = world.node(task_seconds=0.2, max_parallel=2), world.node(task_seconds=0.2, max_parallel=2)
    gateway = world.gateway([frozen, {**well.backend(), "tier": 1}])
    there = gateway.api.submit(photos[:2])
    gateway.api.wait(there, 40)
    assert frozen.starts(there) == 1
    frozen.freeze()
    wires = [gateway.api.wire() for _ in range(40)]
    for wire in wires:
        wire.head("GET", f"/task/{there}/download/all.zip")
    with Bystander(gateway, there) as bystander:
        tasks = [gateway.api.submit(photos[:1]) for _ in range(6)]

        def some_done():
            return sum(gateway.api.code(uuid) == 40 for uuid in tasks) >= 2

        # Two or three may have been on their way to the frozen node before anybody could know.
        eventually("the other node works", some_done, 60)
        eventually("they have polled for a while", lambda: bystander.answers >= 100)
        assert gateway.api.download(next(uuid for uuid in tasks if gateway.api.code(uuid) == 40)).status_code == 200
    frozen.thaw()
    for wire in wires:
        wire.close()
    for uuid in tasks:
        gateway.api.wait(uuid, 40)
    started_once([frozen, well], [there, *tasks])


# A disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", tmp_path], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount a file system here")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def fill(path):
    """Leaves not a byte free."""
    with open(path, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))


def test_a_disk_that_is_full_under_record_and_storage(world, photos, small_disk):
    """What runs shows its end once there is room again; nothing is lost, nothing runs twice."""
    node = world.node(task_seconds=0.2, max_parallel=4)
    gateway = world.gateway([node], {
        "database": f"sqlite:{small_disk}/scaleodm.db", "storage": {"directory": f"{small_disk}/storage", "min_free": "0B"}})
    done = gateway.api.submit(photos[:2])
    gateway.api.wait(done, 40)
    node.set(hold=True)
    running = gateway.api.submit(photos[:2])
    eventually("it runs", lambda: node.starts(running) == 1)
    ready = gateway.api.ready(photos[2:4])
    fill(small_disk / "filler")
    body, kind = multipart([("images", "large.JPG", jpeg(9) + os.urandom(1 << 20))])
    with Bystander(gateway, done, running) as bystander:
        answer = gateway.api.post(f"/task/new/upload/{ready}", data=body, headers={"Content-Type": kind})
        assert answer.status_code == 503 and error_of(answer.json())
        node.set(hold=False)
        eventually("it has ended there", lambda: node.api.code(running) == 40)
        answer = gateway.api.post(f"/task/new/commit/{ready}", timeout=40)
        assert answer.status_code in (200, 503), answer.text
        eventually("they have polled for a while", lambda: bystander.answers >= 100)
        assert gateway.api.download(done).status_code == 200
    (small_disk / "filler").unlink()
    gateway.api.wait(running, 40)
    if answer.status_code == 503:
        eventually("it is committed", lambda: gateway.api.commit(ready) == {"uuid": ready})
    gateway.api.wait(ready, 40)
    gateway.restart_after_kill()
    for uuid in (done, running, ready):
        assert gateway.api.code(uuid) == 40
    started_once([node], [done, running, ready])


# The database


def in_the_end(call):
    """The answer of a step that is told to come back later, and does, as PyODM's."""
    while True:
        answer = call()
        if answer.status_code == 200:
            return answer.json()
        assert answer.status_code == 503, answer.text
        time.sleep(0.5)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [20, pytest.param(60, marks=pytest.mark.heavy)])
def test_postgresql_is_gone_for_a_while(world, photos, seconds):
    """Polls go on from memory; who commits meanwhile waits, or is told to come back; what ends meanwhile shows it afterwards."""
    server = Postgres()
    world._closed_later(server)
    node = world.node(task_seconds=0.2, max_parallel=4)
    gateway = world.gateway([node], {"database": server.database()})
    done = gateway.api.submit(photos[:2])
    gateway.api.wait(done, 40)
    node.set(hold=True)
    running = gateway.api.submit(photos[:2])
    eventually("it runs", lambda: node.starts(running) == 1)
    eventually("the mirror shows it", lambda: gateway.api.code(running) == 20)
    ready = gateway.api.ready(photos[2:4])
    server.stop()
    gone = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # A list is the record's: it waits with the others.
        with Bystander(gateway, done, running).without("/task/list") as bystander:
            node.set(hold=False)
            eventually("it has ended there", lambda: node.api.code(running) == 40)
            assert gateway.api.download(done).status_code == 200
            one, other = API(gateway.url, timeout=60), API(gateway.url, timeout=60)
            body, kind = multipart([("name", "late")])
            commit = pool.submit(in_the_end, lambda: one.post(f"/task/new/commit/{ready}"))
            init = pool.submit(
                in_the_end, lambda: other.post("/task/new/init", data=body, headers={"Content-Type": kind}))
            time.sleep(max(0, seconds - (time.monotonic() - gone)))
            assert not commit.done() and not init.done() and bystander.answers > 100
            server.start()
            assert commit.result(60) == {"uuid": ready}
            late = init.result(60)["uuid"]
    gateway.api.upload(late, photos[4:6])
    gateway.api.commit(late)
    for uuid in (running, ready, late):
        gateway.api.wait(uuid, 40)
    started_once([node], [done, running, ready, late])

"""`storage.s3`: uploads go through the gateway into a bucket, and from there to the nodes; nothing of them touches its disk."""

import concurrent.futures
import contextlib
import http.server
import io
import pathlib
import random
import threading
import time
import zipfile

import pytest
import requests
from pyodm import Node

from harness.api import error_of
from harness.gateway import command, yaml
from harness.images import sha256
from harness.s3 import Place
from harness.simulator import host_and_port
from harness.waiting import eventually
from harness.wire import multipart
from test_pyodm import assert_holds

pytestmark = pytest.mark.only("gateway")

PREFIX = "s3://data/scaleodm/"
MARK = ".scaleodm-storage"


def storage(s3, **more):
    """Settings of a gateway whose files are in a bucket."""
    return {"storage": {"s3": {**s3.settings(), **more}}}


def stored(s3, place=PREFIX):
    """What is in the bucket below the gateway's prefix: sha256 by name, without the mark that tells whose it is."""
    return {name: sha256(body) for name, body in s3.files(place).items() if not name.endswith(MARK)}


def names(s3, place=PREFIX):
    """The names alone: an object may go while the others are read."""
    return {name for name, _ in s3.storage.list(Place.parse(place)) if not name.endswith(MARK)}


def local_files(gateway):
    """Files below the gateway's folder other than its database and inventory."""
    return [path for path in gateway.folder.rglob("*")
            if path.is_file() and not path.name.startswith(("scaleodm.db", "gateway.yaml"))]


def written(gateway):
    """Bytes that the gateway's process has had written to disks."""
    lines = pathlib.Path(f"/proc/{gateway.program.pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def pyodm(gateway):
    return Node(*host_and_port(gateway.url))


def readiness(gateway):
    answer = requests.get(gateway.admin_url + "/readyz?verbose", timeout=10)
    return answer.status_code, {check["name"]: check for check in answer.json()["checks"]}


@contextlib.contextmanager
def saying_slow_down(port):
    """An object store that asks for patience, whatever it is asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            while length > 0:
                length -= len(self.rfile.read(min(length, 65536))) or length
            body = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("kind", ["rclone", "moto"])
def test_pyodm_through_a_bucket(world, profile, flight, tmp_path, kind):
    s3 = world.s3(kind)
    nodes = [world.node(task_seconds=0.3, max_parallel=2) for _ in range(2)]
    gateway = world.gateway(nodes, storage(s3))
    before = written(gateway)
    paths = [str(path) for path in flight.everything]
    tasks = [pyodm(gateway).create_task(paths, name=f"flight {number}", parallel_uploads=8) for number in range(2)]
    assert sorted(stored(s3).values()) == sorted([*flight.checksums.values()] * 2)
    for number, task in enumerate(tasks):
        task.wait_for_completion(interval=0.2)
        assert task.info().images_count == 41
        assert_holds(task.download_zip(str(tmp_path / str(number))), flight, flight.everything)
        owner, = [node for node in nodes if node.starts(task.uuid)]
        assert owner.files(task.uuid) == sorted(flight.checksums.items())
    assert local_files(gateway) == []
    # The database alone: far less than the 60 MB that went through.
    assert written(gateway) - before < 8 << 20
    status, checks = readiness(gateway)
    assert (status, checks["storage"]["result"]) == (200, "good")


def test_many_small_uploads_at_once(world, profile):
    """More connections than the buffers hold parts: they wait for each other, and all arrive."""
    s3 = world.s3()
    gateway = world.gateway([world.node(task_seconds=0.2)], storage(s3, buffers="10MiB"))
    data = {f"{number:03d}.jpg": random.Random(number).randbytes(300_000) for number in range(40)}
    data["large.jpg"] = random.Random(99).randbytes(20 << 20)
    uuid = gateway.api.init()["uuid"]

    def send(item):
        assert gateway.api.with_token(None).upload(uuid, [item]) == {"success": True}

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(send, data.items()))
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid)["status"]["code"] == 40


def test_a_whole_task_in_one_request(world, profile, photos):
    s3 = world.s3()
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], storage(s3))
    large = random.Random(7).randbytes(12 << 20)
    uuid = gateway.api.new([*photos[:3], ("large.jpg", large)], name="all at once")["uuid"]
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    assert node.files(uuid) == sorted((name, sha256(data)) for name, data in [*photos[:3], ("large.jpg", large)])
    assert stored(s3).keys() == {name for name in stored(s3) if name.startswith(f"{uuid}/input/")}


def test_a_restart_elsewhere_from_the_bucket(world, profile, photos):
    s3 = world.s3()
    nodes = [world.node(task_seconds=0.2) for _ in range(2)]
    gateway = world.gateway(nodes, storage(s3))
    uuid = gateway.api.submit(photos)
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    first, = [node for node in nodes if node.files(uuid)]
    other, = [node for node in nodes if node is not first]
    first.kill()
    eventually("the node is seen to be gone",
               lambda: [b["online"] for b in gateway.backends() if b["name"] == first.name] == [False])
    assert gateway.api.act("restart", uuid) == {"success": True}
    # A second attempt has a name of its own there.
    (name, starts), = eventually("the other has it", lambda: other.starts().items())
    assert starts == 1 and name != uuid
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    assert other.files(name) == sorted((name, sha256(data)) for name, data in photos)


@pytest.mark.parametrize("kind", ["rclone", "moto"])
def test_a_kill_in_the_middle_of_an_upload(world, profile, kind):
    s3 = world.s3(kind)
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], storage(s3))
    uuid = gateway.api.init()["uuid"]
    data = random.Random(1).randbytes(24 << 20)
    body, content_type = multipart([("images", "large.jpg", data)])
    with gateway.api.wire() as wire:
        wire.head("POST", f"/task/new/upload/{uuid}", [("Content-Type", content_type), ("Content-Length", len(body))])
        wire.send(body[:17 << 20])
        if kind == "moto":
            eventually("parts have been sent", lambda: s3.client.list_multipart_uploads(Bucket="data").get("Uploads"))
        gateway.kill()
    gateway.start()
    if kind == "moto":
        eventually("what was begun is given up",
                   lambda: not s3.client.list_multipart_uploads(Bucket="data").get("Uploads"))
    assert stored(s3) == {}
    assert gateway.api.upload(uuid, [("large.jpg", data)]) == {"success": True}
    assert gateway.api.upload(uuid, [("large.jpg", data)]) == {"success": True}, "a retry of a file that is there"
    assert list(stored(s3).values()) == [sha256(data)]
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    assert node.files(uuid) == [("large.jpg", sha256(data))]


@pytest.mark.parametrize("trouble", ["gone", "SlowDown"])
def test_a_store_that_is_away(world, profile, photos, trouble):
    s3 = world.s3()
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], storage(s3))
    running = gateway.api.submit(photos[:2])
    assert gateway.api.wait(running)["status"]["code"] == 40
    uuid = gateway.api.ready(photos[:1])
    s3.stop()
    with saying_slow_down(s3.port) if trouble == "SlowDown" else contextlib.nullcontext():
        body, content_type = multipart([("images", *photos[1])])
        for _ in range(2):
            answer = gateway.api.post(f"/task/new/upload/{uuid}", data=body, headers={"Content-Type": content_type})
            assert answer.status_code == 503 and "try again" in error_of(answer.json())
        assert gateway.api.task(running)["status"]["code"] == 40, "polls go on"
        eventually("it is degraded", lambda: readiness(gateway)[1]["storage"]["result"] == "degraded")
        assert readiness(gateway)[0] == 200, "no other gateway could do better"
        assert gateway.api.commit(uuid) == {"uuid": uuid}
        assert gateway.api.task(uuid)["status"]["code"] in (10, 20)
    s3.start()
    info = gateway.api.wait(uuid)
    assert (info["status"]["code"], info["imagesCount"]) == (40, 1), "what failed isn't counted"
    eventually("it is well again", lambda: readiness(gateway)[1]["storage"]["result"] == "good")
    assert gateway.api.wait(gateway.api.submit(photos[:2]))["status"]["code"] == 40


def test_pyodm_outlasts_a_store_that_is_away(world, profile, flight):
    s3 = world.s3()
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], storage(s3))
    node_client = pyodm(gateway)
    sent = []

    def progress(percent):
        if not sent:
            s3.stop()
            threading.Timer(4, s3.start).start()
        sent.append(percent)

    task = node_client.create_task([str(path) for path in flight.small], parallel_uploads=4, progress_callback=progress,
                                   max_retries=8, retry_timeout=1)
    task.wait_for_completion(interval=0.2)
    assert task.info().images_count == 40
    assert node.files(task.uuid) == sorted((path.name, flight.checksums[path.name]) for path in flight.small)
    # What was stored while its answer was lost counts nowhere, and goes with its task.
    assert len(stored(s3)) >= 40
    task.remove()
    eventually("nothing is left", lambda: not names(s3))


def test_a_store_that_is_away_at_the_start(world, profile, photos):
    s3 = world.s3()
    gateway = world.gateway([world.node(task_seconds=0.2)], storage(s3))
    uuid = gateway.api.submit(photos[:2])
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    gateway.stop()
    s3.stop()
    gateway.start()
    assert gateway.api.task(uuid)["status"]["code"] == 40, "polls don't wait for it"
    answer = gateway.api.post("/task/new/init", files={"name": (None, "a")})
    assert answer.status_code == 503 and "storage" in error_of(answer.json())
    s3.start()
    eventually("uploads go on", lambda: gateway.api.post("/task/new/init", files={"name": (None, "a")}).status_code == 200)
    assert gateway.api.wait(gateway.api.submit(photos[:2]))["status"]["code"] == 40


def test_a_stream_that_breaks_on_its_way_to_a_node(world, profile):
    """The connection from the bucket is cut in the middle of a file: it is opened again where it broke."""
    s3 = world.s3()
    cable = world.cable(s3.port)
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], storage(s3, endpoint=cable.url))
    data = random.Random(3).randbytes(40 << 20)
    uuid = gateway.api.ready([("large.jpg", data)])
    cable.cut_once_after(9 << 20)
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    assert node.files(uuid) == [("large.jpg", sha256(data))]
    assert node.requests("init") == 1, "the node noticed nothing"


def test_an_input_that_somebody_removed(world, profile, photos):
    s3 = world.s3()
    gateway = world.gateway([world.node(task_seconds=0.2)], {**storage(s3), "scheduling": {"attempts": 1}})
    uuid = gateway.api.ready(photos[:2])
    s3.client.delete_object(Bucket="data", Key="scaleodm/" + sorted(names(s3))[0])
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    status = gateway.api.wait(uuid)["status"]
    assert status["code"] == 30 and "no longer in the gateway's storage" in status["errorMessage"]


def test_a_small_file_is_one_request(world, profile):
    """Its length is announced, so that it needs neither a buffer of a whole part nor three requests."""
    s3 = world.s3("moto")
    gateway = world.gateway([world.node(task_seconds=0.2)], storage(s3))
    uuid = gateway.api.ready([("a.jpg", bytes(7 << 20))])
    gateway.api.upload(uuid, [("b.jpg", bytes(9 << 20))])
    tags = {item["Size"] >> 20: item["ETag"] for item in s3.client.list_objects_v2(Bucket="data")["Contents"]}
    assert "-" not in tags[7] and tags[9].strip('"').endswith("-2")


def probe(folder, settings):
    folder.mkdir(exist_ok=True)
    inventory = folder / "gateway.yaml"
    inventory.write_text(yaml({"database": "sqlite:a.db", "backends": [], **settings}), encoding="utf-8")
    done = command("check", "--probe", inventory, cwd=folder)
    return done.returncode, next(line for line in done.stdout.splitlines() if " storage " in line), done


def test_check_probe(world, profile, tmp_path):
    s3 = world.s3()
    code, line, done = probe(tmp_path, storage(s3))
    assert code == 0 and "written and removed" in line and "s3://data/scaleodm/" in line, done
    assert stored(s3, "s3://data/") == {}, "it leaves nothing"
    code, line, done = probe(tmp_path, storage(s3, secret_access_key="wrong"))
    assert code != 0 and "check the credentials" in line, done
    code, line, done = probe(tmp_path, storage(s3, bucket="missing"))
    assert code != 0 and 'bucket "missing" isn\'t at' in line, done
    s3.stop()
    code, line, done = probe(tmp_path, storage(s3))
    assert code != 0 and "is the endpoint right, and up?" in line, done


def test_wrong_keys_and_rotated_ones(world, profile, photos, tmp_path):
    s3 = world.s3()
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    settings = storage(s3, secret_access_key_file=str(secret))
    del settings["storage"]["s3"]["secret_access_key"]
    gateway = world.gateway([world.node(task_seconds=0.2)], settings)
    answer = gateway.api.post("/task/new/init", files={"name": (None, "a")})
    assert answer.status_code == 503 and "credentials" in error_of(answer.json())
    secret.write_text(s3.secret_key)
    eventually("the right key is taken", lambda: gateway.api.post(
        "/task/new/init", files={"name": (None, "a")}).status_code == 200)
    uuid = gateway.api.ready(photos[:1])
    secret.write_text("wrong again")
    body, content_type = multipart([("images", *photos[1])])
    answer = gateway.api.post(f"/task/new/upload/{uuid}", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 503 and "credentials" in error_of(answer.json())
    assert s3.secret_key not in gateway.program.tail()
    secret.write_text(s3.secret_key)
    assert gateway.api.upload(uuid, [photos[1]]) == {"success": True}
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid)["imagesCount"] == 2


def others(s3):
    """Objects that aren't the gateway's, in and around its prefix."""
    theirs = [("scaleodm/notes.txt", b"n"), ("scaleodm-old/a.jpg", b"o"), ("flights/a.jpg", b"f"),
              ("scaleodm/00000000-0000-4000-8000-000000000000-copy/input/a", b"c")]
    s3.put("s3://data/", theirs)
    return {name: sha256(body) for name, body in theirs}


@pytest.mark.parametrize("kind", ["rclone", "moto"])
def test_remove_deletes_what_is_ours_alone(world, profile, photos, kind):
    s3 = world.s3(kind)
    theirs = others(s3)
    gateway = world.gateway([world.node(task_seconds=0.2)], storage(s3))
    uuid, kept = gateway.api.submit(photos), gateway.api.submit(photos[:1])
    gateway.api.wait(uuid)
    gateway.api.wait(kept)
    assert gateway.api.act("remove", uuid) == {"success": True}
    eventually("it is gone", lambda: not [name for name in names(s3) if name.startswith(uuid)])
    left = stored(s3, "s3://data/")
    assert [name for name in left if name.startswith(f"scaleodm/{kept}/input/")]
    assert {name: digest for name, digest in left.items() if kept not in name} == theirs


def test_retention_deletes_what_is_ours_alone(world, profile, photos):
    s3 = world.s3()
    theirs = others(s3)
    limits = {"limits": {"input_retention": "1s", "task_retention": "4s", "stale_upload": "2s"}}
    gateway = world.gateway([world.node(task_seconds=0.2)], {**storage(s3), **limits})
    uuid, stale = gateway.api.submit(photos[:2]), gateway.api.ready(photos[:1])
    gateway.api.wait(uuid)
    result = f"scaleodm/{uuid}/attempt-1/all.zip"
    s3.put("s3://data/", [(result, b"result")])
    eventually("inputs and the stale upload are gone, results aren't",
               lambda: names(s3, "s3://data/") == {*theirs, result})
    eventually("results too, with their task", lambda: names(s3, "s3://data/") == {*theirs})
    assert stored(s3, "s3://data/") == theirs
    assert gateway.api.tasks() == [] and stale not in str(stored(s3))


def test_the_bucket_of_another_installation(world, profile, photos):
    s3 = world.s3()
    gateway = world.gateway([world.node(task_seconds=0.2)], storage(s3))
    gateway.api.wait(gateway.api.submit(photos[:1]))
    gateway.stop()
    gateway.settings["storage"]["s3"]["prefix"] = "elsewhere/"
    gateway.start(wait=False)
    eventually("the start is refused", lambda: not gateway.program.running, 30)
    assert "isn't the one that the record was made with" in gateway.program.tail()
    gateway.settings["storage"]["s3"]["prefix"] = "scaleodm/"
    gateway.start()


def test_a_zipurl_is_unpacked_into_the_bucket(world, profile, photos):
    s3 = world.s3()
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], {**storage(s3), "fetch": {"allow_private_addresses": True}})
    receiver = world.receiver()
    receiver.files["/images.zip"] = zipped(photos)
    uuid = gateway.api.new(zipurl=receiver.url + "/images.zip")["uuid"]
    info = gateway.api.wait(uuid)
    assert (info["status"]["code"], info["imagesCount"]) == (40, len(photos))
    assert node.files(uuid) == sorted((name, sha256(data)) for name, data in photos)
    assert all(name.startswith(f"{uuid}/fetched/") for name in stored(s3)) and len(stored(s3)) == len(photos)
    assert local_files(gateway) == [], "the archive is gone"


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def resident(gateway):
    """Resident memory of the gateway now, and the most that it ever was, in bytes."""
    lines = pathlib.Path(f"/proc/{gateway.program.pid}/status").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return sizes["VmRSS"], sizes["VmHWM"]


class Upload:
    """So many files of 10 MiB, ten at a time, and what that took of the gateway."""

    def __init__(self, gateway, count):
        self._gateway = gateway
        self.idle, _ = resident(gateway)
        self._before, noise = written(gateway), random.Random(5).randbytes(10 << 20)
        self.uuid = gateway.api.init()["uuid"]
        begun = time.monotonic()

        def send(number):
            name, data = f"{number:03d}.jpg", number.to_bytes(4, "big") + noise[4:]
            assert gateway.api.with_token(None).upload(self.uuid, [(name, data)]) == {"success": True}
            return name, sha256(data)

        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            self.checksums = sorted(pool.map(send, range(count)))
        self.seconds = time.monotonic() - begun
        self.memory, _ = self.taken()

    def taken(self):
        """Memory above idle at most, and bytes written to disks, up to now."""
        return resident(self._gateway)[1] - self.idle, written(self._gateway) - self._before

    def run(self):
        """Commits it and waits for its end; the seconds that took."""
        begun = time.monotonic()
        assert self._gateway.api.commit(self.uuid) == {"uuid": self.uuid}
        assert self._gateway.api.wait(self.uuid, seconds=600)["status"]["code"] == 40
        return time.monotonic() - begun

    def assert_little_was_taken(self):
        """The database alone is on the disk."""
        memory, disk = self.taken()
        assert memory < 64 << 20 and disk < 8 << 20, (memory, disk)
        assert local_files(self._gateway) == []


def behind_it(world, kind, s3):
    """A node, or a cluster whose pods act by the clock: it is the way there that is measured."""
    return world.node(task_seconds=0.2) if kind == "node" else world.argo(s3=s3)


def assert_arrived(kind, backend, s3, upload):
    """The node has it; of a cluster's task the bucket has it, from where the pod takes it."""
    if kind == "node":
        assert backend.files(upload.uuid) == upload.checksums
        return
    assert backend.runs(f"odm-pipeline-{upload.uuid}") == 1
    inputs = stored(s3, f"{PREFIX}{upload.uuid}/input/")
    assert sorted(inputs.values()) == sorted(digest for _, digest in upload.checksums)


def test_an_upload_for_a_cluster_goes_through_memory_alone(world, profile):
    """120 MiB: more than the gateway may take for it."""
    s3 = world.s3()
    cluster = behind_it(world, "argo", s3)
    gateway = world.gateway([cluster], storage(s3))
    upload = Upload(gateway, 12)
    upload.run()
    assert_arrived("argo", cluster, s3, upload)
    upload.assert_little_was_taken()


@pytest.mark.heavy
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["node", "argo"])
def test_two_gigabytes_with_constant_memory(world, profile, kind, capsys):
    """200 files of 10 MiB to rclone's server, and on to a node, or by reference to a cluster."""
    s3 = world.s3()
    backend = behind_it(world, kind, s3)
    gateway = world.gateway([backend], storage(s3))
    upload = Upload(gateway, 200)
    placing = upload.run()
    memory, disk = upload.taken()
    with capsys.disabled():
        print(f"\n200 x 10 MiB, {kind}: into the bucket in {upload.seconds:.1f} s ({2000 / upload.seconds:.0f} MiB/s), placed and "
              f"run in {placing:.1f} s; idle {upload.idle >> 20} MiB, most above it {upload.memory >> 20} MiB while uploading, "
              f"{memory >> 20} MiB in all; {disk >> 10} KiB written to the disk")
    assert_arrived(kind, backend, s3, upload)
    upload.assert_little_was_taken()

"""Section 13, download: items 79 to 84 and 87 (85 is in test_scaleodm_clients.py, 86 in test_large_archives.py)."""

import hashlib
import io
import threading
import zipfile

import pytest
import requests

from harness.api import error_of, plain
from harness.images import jpeg
from harness.waiting import eventually


def completed(target, files):
    uuid = target.api.submit(files)
    target.api.wait(uuid, 40)
    return uuid


def test_item_79_not_ready(slow, photos):
    uuid = slow.api.submit(photos[:1])
    assert plain(slow.api.download(uuid)) == {"error": "Asset not ready"}
    slow.api.wait(uuid, 20)
    assert plain(slow.api.download(uuid)) == {"error": "Asset not ready"}
    slow.api.act("remove", uuid)


def test_item_79_the_archive_of_an_earlier_run(world, profile, photos):
    target = world.target(profile, task_seconds=0.3)
    uuid = completed(target, photos[:1])
    target.hold()
    assert target.api.act("restart", uuid) == {"success": True}
    answer = target.api.download(uuid)
    if profile == "gateway":
        assert plain(answer) == {"error": "Asset not ready"}
    else:
        assert answer.headers["Content-Type"] == "application/zip", "NodeODM still serves the old one: its own fault"
    target.hold(False)
    target.api.wait(uuid, 40)
    assert target.api.download(uuid).headers["Content-Type"] == "application/zip"


def test_item_80_other_assets(target, photos):
    uuid = completed(target, photos[:1])
    for asset in ("foo.zip", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fall.zip", "all.zip%00", "%2fetc%2fpasswd"):
        with target.api.wire() as wire:
            answer = wire.request("GET", f"/task/{uuid}/download/{asset}")
            assert answer.status == 200 and answer.json() == {"error": "Invalid asset"}, asset
    assert "not found" in error_of(plain(target.api.download("11111111-2222-4333-8444-555555555555")))


def test_item_81_the_archive(target, photos):
    uuid = completed(target, photos)
    answer = target.api.download(uuid)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == "attachment; filename=all.zip"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "Content-Encoding" not in answer.headers
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert "odm_orthophoto/odm_orthophoto.tif" in archive.namelist()
    inside = {name.rsplit("/", 1)[-1]: archive.read(name) for name in archive.namelist()}
    for name, data in photos:
        assert inside[name] == data, f"{name} is not the picture that was sent"
    head = target.api.call("HEAD", f"/task/{uuid}/download/all.zip")
    assert head.status_code == 200 and head.content == b""
    assert int(head.headers["Content-Length"]) == len(answer.content)


RANGES = [
    ("bytes=0-0", lambda n: (0, 0)), ("bytes=10-19", lambda n: (10, 19)), ("bytes=-7", lambda n: (n - 7, n - 1)),
    ("bytes=5-", lambda n: (5, n - 1)), ("bytes=0-99999999999", lambda n: (0, n - 1)),
]


def test_item_82_a_node_without_ranges(target, photos):
    uuid = completed(target, photos[:3])
    whole = target.api.download(uuid)
    assert "Accept-Ranges" not in whole.headers, "PyODM would take it for a promise"
    for asked, _ in RANGES:
        answer = target.api.download(uuid, headers={"Range": asked})
        assert answer.status_code == 200 and answer.content == whole.content


def test_item_82_a_node_with_exact_ranges(world, profile, photos):
    target = world.target(profile, ranges=True, task_seconds=0.2)
    uuid = completed(target, photos[:3])
    whole = target.api.download(uuid)
    size = len(whole.content)
    assert whole.status_code == 200 and whole.headers["Accept-Ranges"] == "bytes"
    asked = RANGES + [(f"bytes={size - 1}-{size - 1}", lambda n: (n - 1, n - 1))]
    for text, expected in asked:
        first, last = expected(size)
        answer = target.api.download(uuid, headers={"Range": text})
        assert answer.status_code == 206, text
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert answer.content == whole.content[first:last + 1], text
    for text in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        answer = target.api.download(uuid, headers={"Range": text})
        assert answer.status_code == 416, text
        assert answer.headers["Content-Range"] == f"bytes */{size}"
    for text in ("bytes=0-1,5-6", "bytes=5-1", "bytes=a-b", "lines=1-2", "bytes", "bytes=--1", "bytes=99999999999999999999999-"):
        answer = target.api.download(uuid, headers={"Range": text})
        assert answer.status_code in (200, 206, 416), text
        if answer.status_code == 200:
            assert answer.content == whole.content, text
    if "ETag" in whole.headers:
        tag = whole.headers["ETag"]
        assert target.api.download(uuid, headers={"Range": "bytes=0-0", "If-Range": tag}).status_code == 206
        other = target.api.download(uuid, headers={"Range": "bytes=0-0", "If-Range": '"other"'})
        assert other.status_code == 200 and other.content == whole.content


@pytest.mark.only("gateway")
def test_item_83_seventeen_connections_the_first_unread(world, profile):
    node = world.node(ranges=True, task_seconds=0.2)
    gateway = world.gateway([node])
    files = [("BIG.JPG", jpeg(60, (3000, 2200)) + bytes(24 << 20))]
    uuid = completed(gateway, files)
    path = f"/task/{uuid}/download/all.zip"
    first = gateway.api.wire(receive_buffer=16384)
    first.head("GET", path)
    status, fields = first.answer_head()
    size = int(fields["content-length"])
    assert status == 200 and fields["accept-ranges"] == "bytes"
    before = gateway.program.peak_memory()
    step = size // 16 + 1
    wires = [gateway.api.wire() for _ in range(16)]
    for number, wire in enumerate(wires):
        wire.head("GET", path, [("Range", f"bytes={number * step}-{min((number + 1) * step, size) - 1}")])
    pieces = []
    for wire in wires:
        answer = wire.answer()
        assert answer.status == 206 and answer.complete
        pieces.append(answer.body)
        wire.close()
    body, complete = first._exactly(size)
    first.close()
    assert complete and hashlib.sha256(body).digest() == hashlib.sha256(b"".join(pieces)).digest()
    assert gateway.program.peak_memory() - before < 24 << 20


@pytest.mark.only("gateway")
def test_item_84_the_backend_goes_away_in_the_middle(world, profile):
    node = world.node(ranges=True, task_seconds=0.2)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}], {"scheduling": {"refresh": "1h"}, "mirror": {"refresh": "1s"}})
    uuid = completed(gateway, [("BIG.JPG", jpeg(61) + bytes(8 << 20))])
    path = f"/task/{uuid}/download/all.zip"
    for fields in ([], [("Range", "bytes=1000-6000000")]):
        cable.cut_once_after(1_000_000)
        with gateway.api.wire() as wire:
            wire.head("GET", path, fields)
            answer = wire.answer()
        assert answer.status == (206 if fields else 200)
        assert not answer.complete, "cut short of Content-Length"
        assert len(answer.body) < int(answer.fields["content-length"])
        with gateway.api.wire() as wire:
            wire.head("GET", path, fields)
            answer = wire.answer()
        assert answer.status == (206 if fields else 200) and answer.complete, "trying again works"


@pytest.mark.only("gateway")
def test_item_84_the_backend_is_away_before_the_first_byte(world, profile, photos):
    node = world.node(task_seconds=0.2, dump="always")
    gateway = world.gateway([node])
    uuid = completed(gateway, photos[:1])
    node.kill()
    with gateway.api.wire() as wire:
        wire.head("GET", f"/task/{uuid}/download/all.zip")
        try:
            answer = wire.answer()
            assert answer.status < 500, "PyODM repeats a 5xx for ever"
        except ConnectionError:
            pass  # Closed without an answer: PyODM and WebODM come back later.
    node.start()
    eventually("served again", lambda: gateway.api.download(uuid).headers["Content-Type"] == "application/zip", 60)


@pytest.mark.only("gateway")
def test_item_87_a_client_that_leaves(world, profile):
    node = world.node(task_seconds=0.2)
    cable = world.cable(node.port)
    gateway = world.gateway([{**node.backend(), "url": cable.url}], {"scheduling": {"refresh": "1h"}, "mirror": {"refresh": "1h"}})
    gateway.configure(mirror={"refresh": "1s"})
    gateway.restart_after_kill()
    uuid = completed(gateway, [("BIG.JPG", jpeg(62) + bytes(48 << 20))])
    begun = cable.seen["down"]
    wire = gateway.api.wire(receive_buffer=16384)
    wire.head("GET", f"/task/{uuid}/download/all.zip")
    assert wire.answer_head()[0] == 200
    cable.wait_until_seen("down", begun + 100_000)
    left = cable.clients_left
    wire.close()
    eventually("the stream from the node is given up", lambda: cable.clients_left > left, 20)
    assert cable.seen["down"] - begun < 40 << 20, "the rest is not fetched for nobody"


def https_node(world, **flags):
    """A gateway whose only node is reached by TLS through a cable."""
    node = world.node(task_seconds=0.2, dump="always", **flags)
    cable = world.cable(node.port)
    front = world.tls(cable.port)
    backend = {**node.backend(), "url": front.url, "ca_file": front.authority}
    return node, cable, world.gateway([backend])


@pytest.mark.only("gateway")
def test_a_node_by_tls(world, profile, photos):
    node, _, gateway = https_node(world, ranges=True)
    uuid = completed(gateway, photos[:3])
    whole = gateway.api.download(uuid)
    assert whole.status_code == 200 and whole.headers["Content-Type"] == "application/zip"
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["Content-Disposition"]
    assert zipfile.ZipFile(io.BytesIO(whole.content)).testzip() is None
    size = len(whole.content)
    assert int(whole.headers["Content-Length"]) == size
    head = gateway.api.call("HEAD", f"/task/{uuid}/download/all.zip")
    assert head.status_code == 200 and head.content == b"" and int(head.headers["Content-Length"]) == size
    for text, expected in RANGES:
        first, last = expected(size)
        answer = gateway.api.download(uuid, headers={"Range": text})
        assert answer.status_code == 206 and answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}", text
        assert answer.content == whole.content[first:last + 1], text
    answer = gateway.api.download(uuid, headers={"Range": f"bytes={size}-"})
    assert answer.status_code == 416 and answer.headers["Content-Range"] == f"bytes */{size}"
    tag = whole.headers["ETag"]
    assert gateway.api.download(uuid, headers={"Range": "bytes=0-0", "If-Range": tag}).status_code == 206
    with gateway.api.wire() as wire:
        for _ in range(2):
            wire.head("GET", f"/task/{uuid}/download/all.zip")
            assert wire.answer().body == whole.content, "the connection lives on"


@pytest.mark.only("gateway")
def test_a_node_by_tls_goes_away(world, profile):
    node, cable, gateway = https_node(world)
    uuid = completed(gateway, [("BIG.JPG", jpeg(61) + bytes(6 << 20))])
    path = f"/task/{uuid}/download/all.zip"
    cable.cut_once_after(1_000_000)
    with gateway.api.wire() as wire:
        wire.head("GET", path)
        answer = wire.answer()
    assert answer.status == 200 and not answer.complete, "cut short of Content-Length"
    with gateway.api.wire() as wire:
        wire.head("GET", path)
        assert wire.answer().complete, "trying again works"
    node.kill()
    for method in ("GET", "HEAD"):
        with gateway.api.wire() as wire, pytest.raises(ConnectionError):
            wire.head(method, path)
            wire.answer()


@pytest.mark.only("gateway")
def test_a_node_by_tls_and_a_client_that_leaves(world, profile):
    node, cable, gateway = https_node(world)
    gateway.configure(scheduling={"refresh": "1h"}, mirror={"refresh": "1s"})
    gateway.restart_after_kill()
    uuid = completed(gateway, [("BIG.JPG", jpeg(62) + bytes(48 << 20))])
    begun = cable.seen["down"]
    wire = gateway.api.wire(receive_buffer=16384)
    wire.head("GET", f"/task/{uuid}/download/all.zip")
    assert wire.answer_head()[0] == 200
    cable.wait_until_seen("down", begun + 100_000)
    left = cable.clients_left
    wire.close()
    eventually("the stream from the node is given up", lambda: cable.clients_left > left, 20)
    assert cable.seen["down"] - begun < 40 << 20, "the rest is not fetched for nobody"


@pytest.mark.only("gateway")
def test_a_node_by_tls_that_falls_silent(world, profile, photos):
    stub = world.stub()
    front = world.tls(stub.port)
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": front.url, "ca_file": front.authority}])
    uuid = gateway.api.submit(photos[:1])
    stub.only_task()
    stub.end()
    gateway.api.wait(uuid, 40)
    asked, gone = threading.Event(), threading.Event()

    def download(handler):
        asked.set()
        handler.connection.settimeout(60)
        if handler.connection.recv(1) == b"":
            gone.set()
        handler.close_connection = True
        return True

    stub.hooks["download"] = download
    with gateway.api.wire() as wire:
        wire.head("GET", f"/task/{uuid}/download/all.zip")
        assert asked.wait(20)
        assert not gone.is_set()
    assert gone.wait(20), "given up before an answer came"


def history(gateway, uuid):
    """What the admin listener tells of a task."""
    return requests.get(f"{gateway.admin_url}/api/tasks/{uuid}", timeout=10).json()


@pytest.mark.only("gateway")
@pytest.mark.parametrize("by_tls", [False, True], ids=["plain", "tls"])
def test_results_that_their_node_has_removed(world, profile, photos, by_tls):
    """NodeODM removes what is finished after two days: the task stays completed, and a download says so."""
    if by_tls:
        node, _, gateway = https_node(world)
    else:
        node = world.node(task_seconds=0.2)
        gateway = world.gateway([node])
    uuid = completed(gateway, photos[:1])
    assert gateway.api.download(uuid).headers["Content-Type"] == "application/zip"
    assert node.api.act("remove", uuid) == {"success": True}
    for _ in range(2):
        answer = gateway.api.download(uuid)
        assert "no longer has them" in error_of(plain(answer)) and answer.status_code == 200
    assert node.requests("download") == 2, "what is known to be gone isn't asked for again"
    assert gateway.api.task(uuid)["status"]["code"] == 40
    events = [event for event in history(gateway, uuid)["events"] if event["kind"] == "resultsPurged"]
    assert len(events) == 1 and events[0]["backend"] == node.name
    assert gateway.api.act("restart", uuid) == {"success": True}, "the images are still there"
    gateway.api.wait(uuid, 40)
    assert gateway.api.download(uuid).headers["Content-Type"] == "application/zip"


@pytest.mark.only("gateway")
def test_a_node_that_answers_a_download_with_something_else(world, profile, photos):
    stub = world.stub()
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    uuid = gateway.api.submit(photos[:1])
    stub.only_task()
    stub.end()
    gateway.api.wait(uuid, 40)
    stub.hooks["download"] = lambda node: node.send_json({"error": "Asset not ready"}) or True
    assert plain(gateway.api.download(uuid)) == {"error": "Asset not ready"}
    stub.hooks["download"] = lambda node: node.send_bytes(b"<h1>Bad gateway</h1>", 502, "text/html") or True
    stub.hooks["task"] = lambda node: node.send_bytes(b"<h1>Bad gateway</h1>", 502, "text/html") or True
    with gateway.api.wire() as wire:
        wire.head("GET", f"/task/{uuid}/download/all.zip")
        with pytest.raises(ConnectionError):
            wire.answer()
    stub.hooks.clear()
    assert gateway.api.download(uuid).content == stub.archive
    assert not [event for event in history(gateway, uuid)["events"] if event["kind"] == "resultsPurged"]


@pytest.mark.only("gateway")
def test_a_download_renews_retention(world, profile, photos):
    gateway = world.gateway([world.node(task_seconds=0.2)], {"limits": {"input_retention": "10s"}})
    uuid = completed(gateway, photos[:1])
    before = history(gateway, uuid)["keptFrom"]

    def renewed():
        gateway.api.download(uuid)
        return history(gateway, uuid)["keptFrom"] > before

    eventually("it is kept from the download", renewed, 20)

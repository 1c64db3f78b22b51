"""Section 13, upload: items 31 to 44."""

import concurrent.futures
import socket
import uuid as uuids

import pytest

from harness.api import error_of, plain
from harness.images import jpeg, sha256
from harness.waiting import eventually
from harness.wire import multipart

NOT_FOUND = {"error": "Invalid uuid (not found)"}


def committed_names(target, uuid):
    """Names of what reached the node after the task's commit."""
    target.api.commit(uuid)
    target.api.wait(uuid)
    return [name for name, _ in target.files(uuid)]


@pytest.mark.parametrize("size", [1_000, 8_000_000])
def test_item_31_upload_to_an_unknown_uuid(target, size):
    uuid = str(uuids.uuid4())
    with target.api.wire() as wire:
        body, kind = multipart([("images", "a.jpg", bytes(size))])
        wire.head("POST", f"/task/new/upload/{uuid}", [("Content-Type", kind), ("Content-Length", len(body))])
        try:
            wire.send(body)
        except ConnectionError:
            pass  # The refusal may come while we still send; it is in our buffer.
        answer = wire.answer()
        assert answer.status == 200 and answer.json() == NOT_FOUND
        if answer.fields.get("connection", "").lower() == "close":
            assert wire.closed_by_peer()
        else:
            assert wire.request("GET", "/auth/info").status == 200, "the connection stays usable"


def test_item_32_upload_without_a_file(target):
    uuid = target.api.init()["uuid"]
    body, kind = multipart([("name", "not a file")])
    answer = plain(target.api.post(f"/task/new/upload/{uuid}", data=body, headers={"Content-Type": kind}))
    assert answer == {"error": "Need at least 1 file.", "noRetry": True}


def test_item_33_upload_in_a_field_of_another_name(target, photos):
    uuid = target.api.init()["uuid"]
    assert target.api.upload(uuid, photos[:1], field="file") == {"error": "Unexpected field"}
    assert target.api.upload(uuid, photos[1:2]) == {"success": True}
    assert committed_names(target, uuid) == [photos[1][0]]


def test_item_34_many_files_many_requests(target, photos):
    uuid = target.api.init()["uuid"]
    assert target.api.upload(uuid, photos[:5]) == {"success": True}

    def request(number):
        files = [(f"P{number:02d}_{n:02d}.JPG", jpeg(100 + n, (8, 8)) + bytes([number])) for n in range(50)]
        assert target.api.upload(uuid, files) == {"success": True}
        return files

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        sent = [file for files in pool.map(request, range(20)) for file in files] + photos[:5]
    target.api.commit(uuid)
    assert target.api.wait(uuid)["imagesCount"] == 1005
    assert target.files(uuid) == sorted((name, sha256(data)) for name, data in sent)


def test_item_35_an_empty_file_counts(target, photos):
    uuid = target.api.ready([("empty.jpg", b""), *photos[:1]])
    target.api.commit(uuid)
    assert target.api.wait(uuid)["imagesCount"] == 2
    assert ("empty.jpg", sha256(b"")) in target.files(uuid)


def upload_named(target, uuid, disposition, data):
    part = b'Content-Disposition: form-data; name="images"; ' + disposition
    part += b"\r\nContent-Type: image/jpeg\r\n\r\n" + data
    body, kind = multipart([part])
    return plain(target.api.post(f"/task/new/upload/{uuid}", data=body, headers={"Content-Type": kind}))


@pytest.mark.parametrize("disposition, expected", [
    (b'filename="../../x.jpg"', "x.jpg"),
    (b'filename="/etc/cron.d/x.jpg"', "x.jpg"),
    (b'filename="C:\\a\\b.jpg"', "b.jpg"),
    (b'filename="body.json"', "_body.json"),
    (b'filename="with \\"quotes\\".jpg"', None),
    (b'filename="' + b"n" * 300 + b'.jpg"', None),
    (b'filename="b\xc3\xa9ret.jpg"', None),
    (b"filename*=UTF-8''b%C3%A9ret.jpg", "b\u00e9ret.jpg"),
    (b'filename=".."', None),
    (b'filename="."', None),
    (b'filename="a\x00b.jpg"', None),
    (b'filename=".hidden.jpg"', None),
], ids=["climbing", "absolute", "Windows", "body.json", "quotes", "300 letters", "UTF-8", "filename*", "two dots", "one dot", "NUL",
        "hidden"])
def test_item_36_odd_names_become_safe_base_names(target, photos, disposition, expected):
    uuid = target.api.ready([("other.jpg", photos[0][1])])
    answer = upload_named(target, uuid, disposition, b"odd bytes")
    if "error" in answer:
        assert expected is None, answer
    names = committed_names(target, uuid)
    assert "other.jpg" in names
    for name in names:
        assert "/" not in name and "\\" not in name and name not in ("", ".", "..") and "\0" not in name
        assert len(name.encode()) <= 255
    if expected:
        assert expected in names


def test_item_36_an_empty_name(target, photos):
    uuid = target.api.ready(photos[:1])
    upload_named(target, uuid, b'filename=""', b"nameless bytes")
    assert photos[0][0] in committed_names(target, uuid)


def test_item_37_same_name_same_bytes(target, photos):
    name, data = photos[0]
    uuid = target.api.ready([(name, data)])
    assert target.api.upload(uuid, [(name, data)]) == {"success": True}
    names = committed_names(target, uuid)
    assert names == ([name] if target.is_gateway else [name, "IMG_0001_.JPG"]), "NodeODM doubles it: its own fault"


def test_item_37_same_name_other_bytes(target, photos):
    name, data = photos[0]
    uuid = target.api.ready([(name, data)])
    assert target.api.upload(uuid, [(name, photos[1][1])]) == {"success": True}
    target.api.commit(uuid)
    assert target.api.wait(uuid)["imagesCount"] == 2
    assert target.files(uuid) == sorted([(name, sha256(data)), ("IMG_0001_.JPG", sha256(photos[1][1]))])


def test_item_37_twice_in_one_request(target, photos):
    name, data = photos[0]
    uuid = target.api.ready([(name, data), (name, photos[1][1])])
    assert sorted(committed_names(target, uuid)) == sorted([name, "IMG_0001_.JPG"])


def cut_upload(target, uuid, name, data, sent):
    """Starts to upload `data`, and closes with a reset after `sent` bytes of the body."""
    body, kind = multipart([("images", name, data)])
    wire = target.api.wire()
    wire.head("POST", f"/task/new/upload/{uuid}", [("Content-Type", kind), ("Content-Length", len(body))])
    wire.send(body[:sent])
    return wire


@pytest.mark.only("gateway")
def test_item_38_a_connection_cut_in_a_part(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    uuid = gateway.api.ready(photos[:1])

    def storage():
        return sorted(p for p in gateway.storage_folder.rglob("*") if p.is_file())

    before = storage()
    data = jpeg(50, (1200, 900))
    wire = cut_upload(gateway, uuid, "CUT.JPG", data, len(data) // 2)
    eventually("the upload has begun", lambda: storage() != before, 10)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wire.close()
    eventually("no temporary file is left", lambda: storage() == before, 20)
    assert gateway.api.upload(uuid, [("CUT.JPG", data)]) == {"success": True}
    gateway.api.commit(uuid)
    assert gateway.api.wait(uuid)["imagesCount"] == 2
    assert node.files(uuid) == sorted([("CUT.JPG", sha256(data)), (photos[0][0], sha256(photos[0][1]))])


@pytest.mark.only("gateway")
def test_item_38_a_body_that_stops_half_way(target, profile, photos):
    uuid = target.api.ready(photos[:1])
    data = jpeg(51, (600, 400))
    wire = cut_upload(target.server, uuid, "HALF.JPG", data, len(data) // 2)
    wire.socket.shutdown(socket.SHUT_WR)
    try:
        answer = wire.answer()
        assert answer.status >= 400 or "error" in answer.json()
    except ConnectionError:
        pass  # Closed without an answer.
    wire.close()
    assert committed_names(target, uuid) == [photos[0][0]]


def chunked(wire, pieces):
    for piece in pieces:
        wire.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
    wire.send(b"0\r\n\r\n")


def test_item_39_chunked_transfer(target, photos):
    uuid = target.api.init()["uuid"]
    body, kind = multipart([("images", name, data) for name, data in photos])
    with target.api.wire() as wire:
        wire.head("POST", f"/task/new/upload/{uuid}", [("Content-Type", kind), ("Transfer-Encoding", "chunked")])
        chunked(wire, [body[i:i + 777] for i in range(0, len(body), 777)])
        assert wire.answer().json() == {"success": True}
    target.api.commit(uuid)
    target.api.wait(uuid)
    assert target.files(uuid) == sorted((name, sha256(data)) for name, data in photos)


def big_upload(world, megabytes):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    uuid = gateway.api.init()["uuid"]
    before = gateway.program.peak_memory()
    block = bytes(range(256)) * 4096
    start = multipart([("images", "HUGE.TIF", b"")])[0].removesuffix(b"\r\n------conformance-boundary--\r\n")
    kind = multipart([])[1]
    with gateway.api.wire(timeout=300) as wire:
        wire.head("POST", f"/task/new/upload/{uuid}", [("Content-Type", kind), ("Transfer-Encoding", "chunked")])
        chunked(wire, [start, *[block] * megabytes, b"\r\n------conformance-boundary--\r\n"])
        assert wire.answer().json() == {"success": True}
    after_upload = gateway.program.peak_memory()
    gateway.api.commit(uuid)
    info = gateway.api.wait(uuid, seconds=600)
    assert info["status"]["code"] == 40, info
    print(f"{megabytes} MiB: peak memory {before >> 20} MiB at the start, {after_upload >> 20} MiB after the upload, "
          f"{gateway.program.peak_memory() >> 20} MiB after forwarding")
    assert gateway.program.peak_memory() < 64 << 20
    return gateway, uuid


@pytest.mark.only("gateway")
def test_item_39_memory_does_not_grow_with_the_body(world, profile):
    big_upload(world, 192)


@pytest.mark.heavy
@pytest.mark.timeout(1200)
@pytest.mark.only("gateway")
def test_item_39_eight_gigabytes(world, profile):
    big_upload(world, 8192)


def test_item_39_expect_100_continue(target, photos):
    uuid = target.api.init()["uuid"]
    body, kind = multipart([("images", *photos[0])])
    with target.api.wire() as wire:
        wire.head("POST", f"/task/new/upload/{uuid}", [
            ("Content-Type", kind), ("Content-Length", len(body)), ("Expect", "100-continue")])
        assert wire.answer().status == 100
        wire.send(body)
        assert wire.answer().json() == {"success": True}


@pytest.mark.only("gateway")
def test_item_39_no_100_for_a_bad_token(world, profile):
    from test_node_auth import tokens

    gateway = world.gateway([world.node()], tokens("secret", required=True))
    with gateway.api.wire() as wire:
        wire.head("POST", f"/task/new/upload/{uuids.uuid4()}?token=wrong", [
            ("Content-Type", multipart([])[1]), ("Content-Length", 10_000_000), ("Expect", "100-continue")])
        answer = wire.answer()
        assert answer.status == 401 and "error" in answer.json()


def test_item_40_images_before_options(target, photos):
    body, kind = multipart([("images", *photos[0]), ("images", *photos[1]), ("skipPostProcessing", "true"),
                            ("options", '[{"name":"dsm","value":true}]'), ("name", "from CloudODM")])
    with target.api.wire() as wire:
        wire.head("POST", "/task/new", [("Content-Type", kind), ("Transfer-Encoding", "chunked")])
        chunked(wire, [body])
        uuid = wire.answer().json()["uuid"]
    info = target.api.wait(uuid)
    assert info["options"] == [{"name": "dsm", "value": True}]
    assert info["name"] == "from CloudODM" and info["imagesCount"] == 2


@pytest.mark.only("gateway")
def test_item_41_a_sender_that_is_too_slow(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], {"limits": {"idle": "1s"}})
    uuid = gateway.api.ready(photos[:1])
    wire = cut_upload(gateway, uuid, "SLOW.JPG", bytes(100_000), 5_000)
    for _ in range(300):
        wire.socket.settimeout(0.1)
        try:
            wire.send(b"\0")
            if wire.socket.recv(1000) == b"":
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    else:
        raise AssertionError("a byte now and then kept the connection open for ever")
    wire.close()
    assert gateway.api.upload(uuid, photos[1:2]) == {"success": True}, "the task is still open"
    gateway.api.commit(uuid)
    gateway.api.wait(uuid)
    assert [name for name, _ in node.files(uuid)] == [photos[0][0], photos[1][0]]


def test_item_42_upload_after_commit(target, photos):
    uuid = target.api.submit(photos[:1])
    assert target.api.upload(uuid, photos[1:2]) == NOT_FOUND
    assert target.api.wait(uuid)["imagesCount"] == 1


@pytest.mark.only("gateway")
def test_item_43_storage_is_full(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], {"storage": {"min_free": "1024TiB"}})
    uuid = gateway.api.init()["uuid"]
    body, kind = multipart([("images", *photos[0])])
    answer = gateway.api.post(f"/task/new/upload/{uuid}", data=body, headers={"Content-Type": kind})
    assert answer.status_code == 503, "PyODM and the web page send it again after a 503"
    error_of(answer.json())
    gateway.restart_after_kill(storage={"min_free": "1MiB"})
    assert gateway.api.upload(uuid, photos[:1]) == {"success": True}
    gateway.api.commit(uuid)
    assert gateway.api.wait(uuid)["status"]["code"] == 40


@pytest.mark.parametrize("kind", [
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other", "text/plain", "",
    "multipart/form-data; boundary=" + "b" * 2000, 'multipart/form-data; boundary="unclosed', "multipart/form-data; boundary=a\tb",
], ids=["absent", "empty", "another", "text", "no type", "very long", "unclosed quote", "tab"])
def test_item_44_a_boundary_that_is_missing_or_malformed(target, photos, kind):
    uuid = target.api.init()["uuid"]
    body, _ = multipart([("images", *photos[0])])
    with target.api.wire() as wire:
        answer = wire.request("POST", f"/task/new/upload/{uuid}", body, [("Content-Type", kind)] if kind else [])
        assert answer.status in (200, 400), answer
        if answer.status == 200:
            error_of(answer.json())
    assert target.api.upload(uuid, photos[:1]) == {"success": True}


@pytest.mark.parametrize("body", [
    b"", b"--b", b"--b\r\n", b"--b\r\nno colon\r\n\r\nx\r\n--b--\r\n", b"--b\r\n\r\nx\r\n--b--\r\n",
    b'--b\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\nnever ended',
    b'--b\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n' + b"X: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n",
    b"preamble only", b"--b--\r\n",
], ids=["empty", "only dashes", "only a boundary", "field without colon", "no fields", "part never ended", "huge field",
        "only a preamble", "no parts"])
def test_item_44_malformed_multipart(target, photos, body):
    uuid = target.api.init()["uuid"]
    with target.api.wire() as wire:
        answer = wire.request("POST", f"/task/new/upload/{uuid}", body, [("Content-Type", "multipart/form-data; boundary=b")])
        assert answer.status in (200, 400), answer
        error_of(answer.json())
    target.api.upload(uuid, photos[:1])
    assert committed_names(target, uuid) == [photos[0][0]], "nothing of the bad body is kept"

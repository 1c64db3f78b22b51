"""Bad input: each answers as the contract says, or with a clear error, and loses nothing else.

The rest of the list is under the checklist's numbers: unknown uuid 31, 47, 56; malformed multipart 44; wrong JSON 16, 17;
unknown options 18; names with ../ 36; upload after commit 42; commit without files 47; two commits 46; equal names 37; a body that
stops half-way 38. The inventory with five mistakes is in test_cli.py.
"""

import concurrent.futures
import random
import socket

import pytest

from harness.images import sha256
from harness.wire import multipart


@pytest.fixture
def bystander(target, photos):
    """An open upload that must come through unharmed whatever a test does beside it."""
    uuid = target.api.ready(photos[:2])
    yield uuid
    assert target.server.program.running, "it crashed"
    assert target.api.commit(uuid) == {"uuid": uuid}
    assert target.api.wait(uuid)["status"]["code"] == 40
    assert target.files(uuid) == sorted((name, sha256(data)) for name, data in photos[:2])


def refusals(wire, data):
    """Statuses that come back for raw bytes, until the server closes or falls silent.

    A 200 with an error in its body is told as "error": NodeODM says so of a body that it can't read, never of a head.
    """
    try:
        wire.send(data)
        wire.socket.shutdown(socket.SHUT_WR)
    except ConnectionError:
        pass
    statuses = []
    try:
        while True:
            answer = wire.answer()
            told = answer.status == 200 and answer.body.startswith(b'{"error"')
            statuses.append("error" if told else answer.status)
    except (ConnectionError, TimeoutError):
        return statuses


MALFORMED = {
    "length and chunked": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello!",
    "negative length": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello",
    "signed length": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
    "hexadecimal length": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello",
    "huge length": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
    "blank before the colon": b"GET /info HTTP/1.1\r\nHost : x\r\n\r\n",
    "folded field": b"GET /info HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /info HTTP/1.1\nHost: x\n\n",
    "bare carriage return": b"GET /info HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
    "NUL in a value": b"GET /info HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "NUL in a name": b"GET /info HTTP/1.1\r\nHost: x\r\nX\0: a\r\n\r\n",
    "no host": b"GET /info HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /info HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "unknown coding": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nx",
    "coding after chunked": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "misspelt chunked": b"POST /task/new/init HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "overflowing chunk": b"POST /task/cancel HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"fffffffffffffffff\r\nx",
    "malformed chunk size": b"POST /task/cancel HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"zz\r\nx",
    "unterminated chunk": b"POST /task/cancel HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"2\r\n{}xx0\r\n\r\n",
    "no version": b"GET /info\r\n\r\n",
    "another version": b"GET /info HTTP/3.0\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "blank in the target": b"GET /in fo HTTP/1.1\r\nHost: x\r\n\r\n",
    "control in the target": b"GET /in\x01fo HTTP/1.1\r\nHost: x\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "method of symbols": b"G@T{} /info HTTP/1.1\r\nHost: x\r\n\r\n",
    "one-megabyte field": b"GET /info HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "one-megabyte target": b"GET /" + b"y" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "one-megabyte method": b"G" * 1_000_000,
    "ten thousand fields": b"GET /info HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
    "empty field name": b"GET /info HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_messages_are_refused(target, bystander, case):
    with target.api.wire(timeout=15) as wire:
        # A second request behind it must not be taken for one: that would be smuggling.
        statuses = refusals(wire, MALFORMED[case] + b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(statuses) <= 1, f"bytes after a malformed message were read as a request: {statuses}"
    if "chunk" not in case or "length" in case or "coding" in case:
        assert all(status != "error" and 400 <= status < 600 for status in statuses), statuses
    assert all(status == "error" or 400 <= status < 600 for status in statuses), statuses


def test_bytes_at_random(target, bystander):
    chance = random.Random(4711)
    for _ in range(60):
        with target.api.wire(timeout=10) as wire:
            noise = chance.randbytes(chance.randrange(1, 3000))
            if chance.random() < 0.5:
                noise = b"POST /task/new HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: " + noise.replace(b"\n", b"") + b"\r\n\r\n" + noise
            refusals(wire, noise)


def test_multipart_cut_at_each_place(target, bystander, photos):
    body, kind = multipart([("name", "x"), ("options", "[]"), ("images", "a.jpg", b"picture"), ("images", "b.jpg", b"other")])
    for cut in range(0, len(body), 23):
        with target.api.wire() as wire:
            answer = wire.request("POST", "/task/new", body[:cut], [("Content-Type", kind)])
            assert answer.status in (200, 400)
            assert "error" in answer.json(), f"half a body of {cut} bytes made a task"


def test_fields_that_are_too_large(target, bystander):
    answer = target.api.post("/task/new/init", data={"options": "[" + " " * 30_000_000 + "]"})
    assert answer.status_code in (200, 400, 413)
    body, kind = multipart([("options", "[" + " " * 30_000_000 + "]")])
    try:
        answer = target.api.post("/task/new/init", data=body, headers={"Content-Type": kind})
        assert answer.status_code in (200, 400, 413)
    except OSError:
        assert target.is_gateway, "closing early is allowed"


def test_many_fields(target, bystander):
    body, kind = multipart([(f"field{n}", "x") for n in range(20_000)])
    with target.api.wire() as wire:
        answer = wire.request("POST", "/task/new/init", body, [("Content-Type", kind)])
        assert answer.status in (200, 400, 413)


def test_repeated_and_odd_query_keys(target, bystander):
    uuid = target.api.with_token(None)
    for query in ("with_output=1&with_output=2", "with_output", "=&&=", "%", "%zz", "with_output=%ff", "a" * 5000, "with_output[]=1"):
        with target.api.wire() as wire:
            assert wire.request("GET", f"/task/11111111-2222-4333-8444-555555555555/info?{query}").status in (200, 400)
    assert uuid.info()


def test_pipelined_requests_are_answered_in_order(target, bystander):
    with target.api.wire() as wire:
        wire.send(b"GET /auth/info HTTP/1.1\r\nHost: x\r\n\r\nGET /task/list HTTP/1.1\r\nHost: x\r\n\r\nGET /nonsense HTTP/1.1\r\nHost: x\r\n\r\n")
        first, second, third = wire.answer(), wire.answer(), wire.answer()
    assert "message" in first.json() and isinstance(second.json(), list) and third.status == 404


@pytest.mark.only("gateway")
def test_slow_heads_are_given_up(world, profile):
    gateway = world.gateway([world.node()], {"limits": {"header_time": "1s"}})
    with gateway.api.wire(timeout=20) as wire:
        wire.send(b"GET /info HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        statuses = []
        try:
            statuses.append(wire.answer().status)
        except ConnectionError:
            pass
        assert statuses in ([], [408], [400])


@pytest.mark.only("gateway")
def test_limits_of_an_upload(world, profile, photos):
    gateway = world.gateway([world.node()], {"limits": {"upload_file": "1MiB", "upload_task": "2MiB"}})
    uuid = gateway.api.init()["uuid"]
    answer = gateway.api.upload(uuid, [("big.jpg", bytes(1_500_000))])
    assert "1.0 MiB" in answer["error"] and answer["noRetry"] is True
    for number in range(2):
        assert gateway.api.upload(uuid, [(f"fits{number}.jpg", bytes([number]) * 1_000_000)]) == {"success": True}
    answer = gateway.api.upload(uuid, [("one-too-many.jpg", bytes(900_000))])
    assert "2.0 MiB" in answer["error"] and answer["noRetry"] is True
    # What is there may be sent again: an answer may have been lost.
    assert gateway.api.upload(uuid, [("fits1.jpg", bytes([1]) * 1_000_000)]) == {"success": True}
    assert len([path for path in gateway.storage_folder.rglob("*") if path.is_file() and uuid in str(path)]) == 2
    assert gateway.api.commit(uuid) == {"uuid": uuid}
    assert gateway.api.wait(uuid, 20, 40)["imagesCount"] == 2


@pytest.mark.only("gateway")
def test_an_upload_that_cannot_fit_is_refused_unread(world, profile):
    gateway = world.gateway([world.node()], {"limits": {"upload_task": "2MiB"}})
    uuid = gateway.api.init()["uuid"]
    for path in (f"/task/new/upload/{uuid}", "/task/new"):
        with gateway.api.wire() as wire:
            wire.head("POST", path, [("Content-Type", "multipart/form-data; boundary=b"), ("Content-Length", 1 << 40)])
            assert "2.0 MiB" in wire.answer().json()["error"]


@pytest.mark.only("gateway")
def test_uploads_at_the_same_time_share_the_limit(world, profile):
    gateway = world.gateway([world.node()], {"limits": {"upload_task": "2MiB"}})
    uuid = gateway.api.init()["uuid"]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: gateway.api.upload(uuid, [(f"{n}.jpg", bytes([n]) * 700_000)]), range(6)))
    assert answers.count({"success": True}) == 2, answers
    assert len([path for path in gateway.storage_folder.rglob("*") if path.is_file() and uuid in str(path)]) == 2

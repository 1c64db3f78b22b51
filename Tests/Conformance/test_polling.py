"""Section 13, polling and output: items 56 to 68 (64 and the Argo half of 61 are in test_argo.py and test_handed_over_document.py)."""

import json
import threading

import pytest

from harness.api import plain
from harness.waiting import eventually


def stubbed(world, settings=None):
    stub = world.stub(slots=4)
    return stub, world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}], settings)


def running_on(stub, gateway, photos):
    """A task that runs on the stub; the gateway may put a line of its own before the node's."""
    uuid = gateway.api.submit(photos[:1])
    task = stub.only_task()
    eventually("the mirror has seen it", lambda: gateway.api.output(uuid)[-2:] == ["first line", "second line"])
    return uuid, task


def test_item_56_info_of_what_is_not_there(target):
    for path, name in (("11111111-2222-4333-8444-555555555555", None), ("nonsense", None), ("%2e%2e", ".."),
                       ("a%2fb", "a/b"), ("%00", "\0"), ("%ff", None), ("x" * 5000, None)):
        with target.api.wire() as wire:
            for ending in ("info", "output", "download/all.zip"):
                answer = wire.request("GET", f"/task/{path}/{ending}")
                if answer.status == 200:
                    assert "not found" in answer.json()["error"], (path, ending)
                    assert answer.json() == {"error": f"{name or path} not found"} or path in ("%ff", "%00")
                else:
                    assert answer.status in (400, 404), (path, ending, answer)
    if target.is_gateway:
        with target.api.wire() as wire:
            assert wire.request("GET", "/task/a%2fb/info").json() == {"error": "a/b not found"}
            assert wire.request("GET", "/task/%2e%2e/info").json() == {"error": ".. not found"}


def finished(target, photos):
    uuid = target.api.submit(photos[:1])
    target.api.wait(uuid, 40)
    # The last lines may follow the end by a moment.
    eventually("the output is whole", lambda: len(target.api.output(uuid)) >= 7 and settled(target, uuid))
    return uuid


def settled(target, uuid):
    before = target.api.output(uuid)
    threading.Event().wait(0.3)
    return target.api.output(uuid) == before


def test_item_57_with_output(target, photos):
    uuid = finished(target, photos)
    lines = target.api.output(uuid)
    assert all(isinstance(line, str) for line in lines)
    assert "output" not in target.api.task(uuid)
    expected = {"0": lines, "5": lines[5:], "-3": lines[-3:], "9999": [], "": lines, "abc": lines, "1.5": lines[1:],
                "-0": lines, "-9999": lines, "1e1": None, "99999999999999999999999": [], "-99999999999999999999999": lines}
    for asked, answer in expected.items():
        got = target.api.task(uuid, with_output=asked)["output"]
        assert answer is None or got == answer, asked
        got = target.api.output(uuid, line=asked)
        assert answer is None or got == answer, asked
    assert target.api.output(uuid) == lines


@pytest.mark.only("gateway")
def test_item_58_output_is_cleaned(world, profile, photos):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)
    dirty = ["\x1b[31mred\x1b[0m text", "carriage\rreturn", "nul\x00inside", "error", "x" * 1_000_000, "two\nlines\n", "",
             "\t tabs ", "last"]
    task["lines"] += dirty
    task["lines"].append("lone surrogate \ud800 here")
    eventually("the lines arrive", lambda: gateway.api.output(uuid)[-1].startswith("lone surrogate"))
    lines = gateway.api.output(uuid)
    assert all(isinstance(line, str) for line in lines)
    assert "error" not in lines and "error " in lines, "PyODM takes an element 'error' for a failure"
    joined = "".join(lines)
    assert "\x1b" not in joined and "\0" not in joined and "\n" not in joined and "\r" not in joined
    joined.encode("utf-8")
    assert any("red text" in line for line in lines)
    assert "error" not in gateway.api.task(uuid, with_output=0)["output"]


@pytest.mark.only("gateway")
def test_item_58_output_that_is_not_utf8(world, profile, photos):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)

    def raw(handler):
        answer = {key: value for key, value in task.items() if key not in ("lines", "files", "fields")}
        text = json.dumps({**answer, "output": ["first line", "second line", "BAD", "after"]}).encode()
        handler.send_json(text.replace(b"BAD", b"bad \xff\xfe bytes"))
        return True

    stub.hooks["task"] = raw
    stub.hooks["output"] = lambda handler: handler.send_json(
        b'["first line","second line","bad \xff\xfe bytes","after"]') or True
    for _ in range(20):
        assert gateway.api.code(uuid) == 20
        json.loads(gateway.api.get(f"/task/{uuid}/output").content.decode("utf-8"))


def test_item_59_the_last_nine_lines(target, photos):
    uuid = finished(target, photos)
    assert target.api.output(uuid, line=-9) == target.api.output(uuid)[-9:]
    if target.is_gateway:
        answer = target.api.get(f"/task/{uuid}/output", headers={"Accept": "text/plain"})
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.text.splitlines() == target.api.output(uuid)


def test_item_60_lines_are_neither_repeated_nor_lost(world, profile, photos):
    target = world.target(profile, task_seconds=2, max_parallel=2)
    uuid = target.api.submit(photos[:3])
    collected = []

    def ended():
        info = target.api.task(uuid, with_output=len(collected))
        collected.extend(info["output"])
        return info["status"]["code"] in (30, 40, 50)

    eventually("the task ends", ended, 60)
    eventually("all lines are there", lambda: ended() and collected == target.api.output(uuid), 10)
    assert len(collected) >= 3


@pytest.mark.only("gateway")
@pytest.mark.parametrize("sign", ["processing time fell", "output is shorter"])
def test_item_61_a_log_that_got_shorter(world, profile, photos, sign):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)
    task["lines"] += [f"line {n}" for n in range(50)]
    eventually("50 lines", lambda: gateway.api.output(uuid)[-1] == "line 49")
    before = gateway.api.output(uuid)
    if sign == "processing time fell":
        task["processingTime"] = -1
    task["lines"] = ["begun again"]
    eventually("the new section", lambda: gateway.api.output(uuid)[-1] == "begun again")
    after = gateway.api.output(uuid)
    assert after[:len(before)] == before, "indices never shift back"
    assert len(after) >= len(before) + 1
    task["lines"].append("and on")
    eventually("it goes on", lambda: gateway.api.output(uuid)[-1] == "and on")
    assert gateway.api.output(uuid)[:len(after)] == after


@pytest.mark.only("gateway")
@pytest.mark.parametrize("fault", ["500", "hang", "reset", "html", "empty", "truncated", "wrong types", "401", "error"])
def test_item_62_a_backend_in_trouble(world, profile, photos, fault):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)
    asked = threading.Semaphore(0)

    def trouble(handler):
        asked.release()
        if fault == "500":
            handler.send_json({"error": "boom"}, 500)
        elif fault == "hang":
            stub.released.wait(60)
        elif fault == "reset":
            handler.close_connection = True
        elif fault == "html":
            handler.send_bytes(b"<html>502 Bad Gateway</html>", 502, "text/html")
        elif fault == "empty":
            handler.send_json(b"")
        elif fault == "truncated":
            handler.send_json(b'{"uuid": "')
        elif fault == "wrong types":
            handler.send_json({"uuid": 3, "status": "running", "progress": None, "processingTime": "x", "options": None,
                               "output": None, "imagesCount": {}, "dateCreated": []})
        elif fault == "401":
            handler.send_json({"error": "Invalid authentication token: token does not match."}, 401)
        elif fault == "error":
            handler.send_json({"error": "something is wrong"})
        return True

    stub.hooks["task"] = stub.hooks["output"] = trouble
    assert asked.acquire(timeout=20)
    if fault != "hang":
        assert asked.acquire(timeout=20)
    for _ in range(20):
        info = gateway.api.task(uuid, with_output=0)
        assert info["status"]["code"] == 20 and info["uuid"] == uuid
        assert info["output"][-2:] == ["first line", "second line"]
        assert isinstance(info["progress"], (int, float)) and isinstance(info["options"], list)


@pytest.mark.only("gateway")
def test_item_63_a_backend_that_forgot(world, profile, photos):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)
    known = task["uuid"]
    kept = stub.tasks.pop(known)
    seen = stub.count("task")
    eventually("it was asked twice since", lambda: stub.count("task") >= seen + 2)
    assert gateway.api.code(uuid) == 20, "one answer is no proof: there is a grace of 300 s"
    stub.tasks[known] = kept
    stub.end(40)
    gateway.api.wait(uuid, 40)
    del stub.tasks[known]
    for _ in range(20):
        assert gateway.api.code(uuid) == 40, "a final state is stored"
    gateway.restart_after_kill()
    assert gateway.api.code(uuid) == 40


def test_item_65_processing_time(world, profile, photos):
    target = world.target(profile, max_parallel=1, task_seconds=0.3, hold=True)
    first, second = target.api.submit(photos[:1]), target.api.submit(photos[:1])
    target.api.wait(second, 10)
    assert target.api.task(second)["processingTime"] == -1
    target.api.wait(first, 20)
    target.hold(False)
    for uuid in (first, second):
        time = target.api.wait(uuid, 40)["processingTime"]
        assert isinstance(time, int) and time >= 0


@pytest.mark.only("gateway")
def test_item_65_processing_time_fits_32_bits(world, profile, photos):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)
    for huge in (2147483648, 10**12, 10**30, 1e300):
        task["processingTime"] = huge
        seen = stub.count("task")
        eventually("it was read", lambda: stub.count("task") >= seen + 3)
        time = gateway.api.task(uuid)["processingTime"]
        assert isinstance(time, int) and 0 <= time <= 2147483647
    task["processingTime"] = 3_000_000_000
    eventually("the cap", lambda: gateway.api.task(uuid)["processingTime"] == 2147483647)


def test_item_66_progress_never_falls(world, profile, photos):
    target = world.target(profile, task_seconds=1.5)
    uuid = target.api.submit(photos[:3])
    seen = []

    def ended():
        info = target.api.task(uuid)
        seen.append(info["progress"])
        return info["status"]["code"] == 40

    eventually("the task completes", ended, 60)
    assert all(isinstance(value, (int, float)) and 0 <= value <= 100 for value in seen), seen
    assert seen == sorted(seen) and seen[-1] == 100


@pytest.mark.only("gateway")
def test_item_66_progress_of_a_confused_backend(world, profile, photos):
    stub, gateway = stubbed(world)
    uuid, task = running_on(stub, gateway, photos)
    task["progress"] = 60
    eventually("60", lambda: gateway.api.task(uuid)["progress"] == 60)
    for odd in (10, None, -5, "40", 1e300, float("nan")):
        task["progress"] = odd
        seen = stub.count("task")
        eventually("it was read", lambda: stub.count("task") >= seen + 2)
        progress = gateway.api.task(uuid)["progress"]
        assert isinstance(progress, (int, float)) and 60 <= progress <= 100
    stub.end(40)
    assert gateway.api.wait(uuid, 40)["progress"] == 100


def test_item_67_options_are_typed(target, photos):
    sent = [{"name": "dsm", "value": "true"}, {"name": "min-num-features", "value": "9000"},
            {"name": "orthophoto-resolution", "value": "2.5"}, {"name": "feature-quality", "value": "low"}]
    uuid = target.api.submit(photos[:1], options=sent, skipPostProcessing="true")
    options = {option["name"]: option["value"] for option in target.api.wait(uuid)["options"]}
    assert options == {"dsm": True, "min-num-features": 9000, "orthophoto-resolution": 2.5, "feature-quality": "low"}
    assert isinstance(options["dsm"], bool) and isinstance(options["min-num-features"], int)
    uuid = target.api.submit(photos[:1], skipPostProcessing="true")
    assert target.api.wait(uuid)["options"] == []


@pytest.mark.only("gateway")
def test_item_68_polls_make_no_backend_requests(world, profile, photos):
    node = world.node(max_parallel=10, task_seconds=3600)
    gateway = world.gateway([node], {"mirror": {"refresh": "1h"}, "scheduling": {"refresh": "1h"}})
    tasks = [gateway.api.submit(photos[:1]) for _ in range(5)]
    eventually("all run", lambda: len(node.starts()) == 5)
    # Reading status before an end may go on for a moment after the commits.
    quiet = {"count": -1}

    def still():
        count, quiet["count"] = total(node), total(node)
        return count == quiet["count"]

    eventually("the node is left alone", still, 20, 0.5)
    before = total(node)
    for _ in range(100):
        for uuid in tasks:
            assert "error" not in gateway.api.task(uuid, with_output=0)
    assert total(node) - before <= 20, "500 polls must not become requests to the node"


def total(node):
    return sum(node.journal()["requests"].values())


@pytest.mark.only("gateway")
def test_the_end_of_a_task_is_seen_by_the_mirror(world, profile, photos):
    stub, gateway = stubbed(world)
    uuid, _ = running_on(stub, gateway, photos)
    stub.end(30)
    info = gateway.api.wait(uuid, 30)
    assert info["progress"] == 100
    assert "errorMessage" not in info["status"] or isinstance(info["status"]["errorMessage"], str)
    assert plain(gateway.api.get(f"/task/{uuid}/info"))["status"]["code"] == 30

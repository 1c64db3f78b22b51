"""Section 13, node and auth: items 1 to 13 (10 comes with limits)."""

import re

import pytest

from harness.api import API, error_of, plain
from harness.waiting import eventually
from harness.wire import multipart

BAD_TOKEN = "Invalid authentication token: token does not match."
SECRET = "correct-horse"


def tokens(*secrets, **more):
    import hashlib

    listed = [{"name": f"client{n}", "sha256": hashlib.sha256(s.encode()).hexdigest()} for n, s in enumerate(secrets)]
    return {"auth": {"tokens": listed, **more}}


def protected(world, profile, **flags):
    """A target that wants SECRET."""
    return world.target(profile, token=SECRET, settings=tokens(SECRET, required=True), task_seconds=0.2, **flags)


def check_info(info):
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["version"]), info
    assert isinstance(info["taskQueueCount"], int) and info["taskQueueCount"] >= 0
    assert info["maxImages"] is None or isinstance(info["maxImages"], int)
    assert isinstance(info["maxParallelTasks"], int)
    assert isinstance(info["engine"], str) and isinstance(info["engineVersion"], str)
    assert len(info["version"]) <= 32 and len(info["engineVersion"]) <= 32 and len(info["engine"]) <= 255


def test_item_01_info_without_a_token(target):
    info = target.api.info()
    check_info(info)
    assert tuple(map(int, info["version"].split("."))) >= (2, 2, 0)


def test_item_02_a_foreign_token_is_ignored_where_tokens_are_off(target, photos):
    foreign = target.api.with_token("foreign")
    check_info(foreign.info())
    uuid = foreign.submit(photos[:1])
    assert foreign.wait(uuid)["status"]["code"] == 40


ENDPOINTS = [
    ("GET", "/info"), ("GET", "/options"), ("GET", "/task/list"), ("POST", "/task/new/init"), ("POST", "/task/new"),
    ("POST", "/task/new/upload/ID"), ("POST", "/task/new/commit/ID"), ("GET", "/task/ID/info"), ("GET", "/task/ID/output"),
    ("GET", "/task/ID/download/all.zip"), ("POST", "/task/cancel"), ("POST", "/task/remove"), ("POST", "/task/restart"),
]


def test_item_03_without_the_token_every_endpoint_refuses(world, profile):
    api = protected(world, profile).api.with_token(None)
    uuid = "11111111-2222-4333-8444-555555555555"
    for method, path in ENDPOINTS:
        data = {"uuid": uuid} if path in ("/task/cancel", "/task/remove", "/task/restart") else None
        answer = api.call(method, path.replace("ID", uuid), data=data)
        assert answer.status_code == (401 if profile == "gateway" else 200), f"{method} {path}: {answer.status_code}"
        assert answer.json()["error"] == BAD_TOKEN, f"{method} {path}"
        assert "www-authenticate" not in answer.headers, "a browser would ask for a password"
    for path in ("/auth/info", "/"):
        assert api.get(path).status_code == 200, path


def test_item_04_wrong_and_right_token(world, profile):
    target = protected(world, profile)
    wrong = target.api.with_token("wrong").get("/info")
    assert wrong.status_code == (401 if profile == "gateway" else 200)
    assert wrong.json()["error"] == BAD_TOKEN
    check_info(target.api.info())
    if profile == "gateway":
        anonymous = target.api.with_token(None)
        check_info(plain(anonymous.get("/info", headers={"Authorization": f"Bearer {SECRET}"})))
        assert anonymous.get("/info", headers={"Authorization": "Bearer wrong"}).status_code == 401
        # The query wins.
        assert anonymous.get("/info?token=wrong", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 401


@pytest.mark.only("gateway")
def test_item_04_nodeodm_style_refusals_on_request(world, profile):
    node = world.node()
    gateway = world.gateway([node], tokens(SECRET, required=True, unauthorized="nodeodm"))
    answer = gateway.api.get("/info")
    assert answer.status_code == 200 and answer.json() == {"error": BAD_TOKEN}


def test_item_05_of_two_tokens_the_first_counts(world, profile):
    api = protected(world, profile).api.with_token(None)
    if profile == "gateway":
        assert api.get(f"/info?token={SECRET}&token=other").status_code == 200
        check_info(api.get(f"/info?token={SECRET}&token=other").json())
        assert api.get(f"/info?token=other&token={SECRET}").status_code == 401
    else:
        # Express makes an array of them, which equals no token; all that matters is that the node goes on.
        api.get(f"/info?token={SECRET}&token=other")
        check_info(api.with_token(SECRET).info())


@pytest.mark.only("gateway")
def test_item_06_info_is_answered_from_memory(world, profile):
    node = world.node()
    gateway = world.gateway([node], {"scheduling": {"refresh": "1h"}})
    eventually("the node is read", lambda: gateway.api.info()["maxParallelTasks"] >= 1)
    before = node.requests("info")
    for _ in range(100):
        check_info(gateway.api.info())
    assert node.requests("info") == before, "a client's /info must not become a request to the node"
    node.kill()
    check_info(gateway.api.info())


@pytest.mark.only("gateway")
@pytest.mark.parametrize(
    "version", ["registry.example.org/odm/odm@sha256:" + "a" * 54, "\u00fc" * 90, "3.6.0\n\0", None, 7, ""],
    ids=["image reference", "not ASCII", "control characters", "null", "number", "empty"])
def test_item_07_an_odd_engine_version_is_tamed_for_clients(world, profile, version):
    stub = world.stub()
    stub.about["engineVersion"] = version
    gateway = world.gateway([stub_backend(stub)])
    eventually("the node is read", lambda: stub.count("info") >= 2 and gateway.api.info()["maxParallelTasks"] >= 1)
    check_info(gateway.api.info())
    assert "\0" not in gateway.api.info()["engineVersion"]


@pytest.mark.only("nodeodm")
def test_item_07_a_long_engine_version_of_a_node(world, profile):
    version = "registry.example.org/odm/odm@sha256:" + "a" * 54
    assert world.node(engine_version=version).api.info()["engineVersion"] == version


@pytest.mark.only("gateway")
@pytest.mark.parametrize("count", [None, -1, 10**12, 2.5, "many", 10**30])
def test_item_08_an_absurd_queue_count_of_a_node(world, profile, count):
    stub = world.stub()
    stub.about["taskQueueCount"] = count
    gateway = world.gateway([stub_backend(stub)])
    eventually("the node is read", lambda: stub.count("info") >= 2)
    info = gateway.api.info()
    check_info(info)
    assert 0 <= info["taskQueueCount"] <= 2147483647


def stub_backend(stub, name="stub", **more):
    return {"name": name, "kind": "nodeodm", "url": stub.url, **more}


def check_options(options):
    assert options, "WebODM hides a node without options"
    for option in options:
        assert sorted(option) == ["domain", "help", "name", "type", "value"], option
        assert isinstance(option["value"], str), option
        assert option["type"] in ("int", "float", "string", "bool", "enum"), option
        assert isinstance(option["domain"], str) or all(isinstance(d, str) for d in option["domain"]), option
    names = [option["name"] for option in options]
    assert len(set(names)) == len(names)
    never = set("h project-path cmvs-maxImages time zip-results pmvs-num-cores start-with gcp images geo align "
                "split-image-groups copy-to rerun-all rerun slam-config video version name".split())
    assert not never & set(names)


def test_item_09_options_have_exactly_five_keys(target):
    options = target.api.options()
    check_options(options)
    rerun = next(option for option in options if option["name"] == "rerun-from")
    assert rerun["domain"][0] == "" and rerun["domain"][1] == "dataset", "WebODM's Restart takes entry 1"


@pytest.mark.only("gateway")
def test_item_09_options_outlive_all_backends(world, profile):
    node = world.node()
    gateway = world.gateway([node])
    eventually("the node is read", lambda: node.requests("options") >= 1)
    options = gateway.api.options()
    check_options(options)
    node.kill()
    assert gateway.api.options() == options
    gateway.restart_after_kill()
    assert gateway.api.options() == options, "the last answer of each backend is in the record"


def test_item_11_auth_endpoints_without_a_login(target):
    assert target.api.get("/auth/info").json() == {
        "message": "Authentication not available on this node", "loginUrl": None, "registerUrl": None}
    for path in ("/auth/login", "/auth/register"):
        assert plain(target.api.post(path, json={"username": "a", "password": "b"})) == {"error": "Not available"}
        assert plain(target.api.post(path, data={"username": "a", "password": "b"})) == {"error": "Not available"}


def test_item_12_preflight_needs_no_token(world, profile):
    api = protected(world, profile).api.with_token(None)
    fields = {"Origin": "https://maps.example.org", "Access-Control-Request-Method": "POST"}
    for path in ("/info", "/task/new/init", "/task/new/upload/11111111-2222-4333-8444-555555555555"):
        answer = api.call("OPTIONS", path, headers=fields)
        assert answer.status_code in (200, 204), path
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    answer = api.get("/info", headers={"Origin": "https://maps.example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_item_13_unknown_paths_head_and_trailing_slash(target):
    for path in ("/nonsense", "/gcp", "/task", "/task/x/y/z"):
        answer = target.api.get(path)
        assert answer.status_code == 404, path
        if target.is_gateway:
            error_of(answer.json())
    head = target.api.call("HEAD", "/info")
    assert head.status_code == 200 and head.content == b""
    assert int(head.headers["Content-Length"]) == len(target.api.get("/info").content) or not target.is_gateway
    check_info(target.api.get("/info/").json())


def test_item_13_debug_unauthorized(target):
    answer = target.api.get("/info?_debugUnauthorized=1")
    assert answer.status_code == 401 and answer.content == b""


@pytest.mark.only("gateway")
def test_tokens_see_only_their_own_tasks(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], tokens("first", "second", required=True))
    first, second = gateway.api.with_token("first"), gateway.api.with_token("second")
    mine = first.submit(photos[:1])
    first.wait(mine)
    assert first.tasks() == [mine] and second.tasks() == []
    assert second.task(mine) == {"error": f"{mine} not found"}
    assert second.output(mine) == {"error": f"{mine} not found"}
    assert "error" in plain(second.download(mine))
    for verb in ("cancel", "remove", "restart"):
        assert second.act(verb, mine) == {"success": False, "error": f"{mine} not found"}
    assert second.init(uuid=mine) == {"error": f"Invalid set-uuid: {mine}"}
    assert first.code(mine) == 40


@pytest.mark.only("gateway")
def test_an_unknown_token_is_anonymous_where_none_is_required(world, profile, photos):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node], tokens("first", required=False))
    uuid = gateway.api.with_token("stranger").submit(photos[:1])
    anonymous = gateway.api.with_token(None)
    assert anonymous.wait(uuid)["status"]["code"] == 40
    assert gateway.api.with_token("first").task(uuid) == {"error": f"{uuid} not found"}


@pytest.mark.only("gateway")
def test_no_token_reaches_a_log_or_a_node(world, profile, photos):
    node = world.node(task_seconds=0.2, token="node-secret-1")
    gateway = world.gateway([node], {**tokens("client-secret-2", required=True), "log": {"level": "debug"}},
                            token="client-secret-2")
    uuid = gateway.api.submit(photos[:2])
    assert gateway.api.wait(uuid)["status"]["code"] == 40
    gateway.api.download(uuid)
    bearer = API(gateway.url)
    bearer.get("/info", headers={"Authorization": "Bearer client-secret-2"})
    body, kind = multipart([("uuid", uuid), ("token", "client-secret-2")])
    bearer.post("/task/cancel", data=body, headers={"Content-Type": kind})
    for line in gateway.program.lines:
        assert "client-secret-2" not in line and "node-secret-1" not in line
    assert not any("client-secret-2" in line for line in node.program.lines)

"""The admin listener: probes, the read-only API, its token, and the access log."""

import json
import re

import pytest
import requests

from harness.gateway import command, yaml
from harness.postgres import Postgres
from harness.programs import Program, binary
from harness.waiting import eventually


def get(gateway, path, **settings):
    return requests.get(gateway.admin_url + path, timeout=10, **settings)


def becomes(gateway, status, path="/readyz", condition=lambda body: True, seconds=30.0):
    """The first answer with that status and a body of which `condition` is true."""
    def look():
        answer = get(gateway, path)
        # In a list, since an answer with an error's status counts as false.
        return [answer] if answer.status_code == status and condition(answer.json()) else []

    return eventually(f"{path} says {status}", look, seconds)[0]


def check_of(answer, name):
    return next(check for check in answer.json()["checks"] if check["name"] == name)


def test_healthz_tells_of_every_loop(world):
    gateway = world.gateway([])
    answer = get(gateway, "/healthz")
    assert answer.status_code == 200 and answer.json()["ok"] is True
    loops = answer.json()["loops"]
    assert "control-0" in loops and "loop-0" in loops and all(0 <= age < 5000 for age in loops.values())


def test_readyz_needs_a_backend(world):
    node = world.node()
    gateway = world.gateway([node], {"scheduling": {"offline_after": 1}})
    answer = becomes(gateway, 200, "/readyz?verbose")
    assert {check["name"] for check in answer.json()["checks"]} == {"database", "storage", "backends"}
    assert get(gateway, "/readyz").json()["checks"] == []
    node.kill()
    answer = becomes(gateway, 503)
    assert answer.json()["ready"] is False and check_of(answer, "backends")["result"] == "failed"


def test_readyz_says_degraded_where_uploads_are_refused(world):
    gateway = world.gateway([world.node()], {"storage": {"min_free": "900TiB"}})
    answer = becomes(gateway, 200, condition=lambda body: body["degraded"])
    assert "storage.min_free" in check_of(answer, "storage")["detail"]


def test_readyz_says_draining_while_a_download_goes_on(world, photos):
    node = world.node(task_seconds=0.2, result_bytes=4_000_000)
    gateway = world.gateway([node])
    uuid = gateway.api.submit(photos[:1])
    gateway.api.wait(uuid, 40)
    node.set(downloadRate=1_000_000)
    with requests.get(f"{gateway.url}/task/{uuid}/download/all.zip", stream=True, timeout=30) as download:
        body = download.iter_content(1000)
        next(body)
        gateway.program.process.terminate()
        gateway.program._expected_to_end = True
        answer = becomes(gateway, 503)
        assert check_of(answer, "drain")["result"] == "failed"
        assert get(gateway, "/healthz").status_code == 200
        assert gateway.program.running
        node.set(downloadRate=0)
        assert len(b"".join(body)) > 2_000_000
    assert gateway.program.process.wait(20) == 0


def test_clients_are_served_for_the_drain_delay(world, photos):
    """After SIGTERM /readyz says no at once, while tasks are still taken: a balancer needs a while to notice."""
    gateway = world.gateway([world.node(task_seconds=0.2)], {"drain": {"delay": "3s"}})
    becomes(gateway, 200)
    process = gateway.program.process
    gateway.program._expected_to_end = True
    process.terminate()
    assert check_of(becomes(gateway, 503), "drain")["result"] == "failed"
    assert gateway.api.submit(photos[:1])
    assert process.wait(20) == 0


def test_a_second_signal_ends_at_once(world):
    gateway = world.gateway([world.node()], {"drain": {"delay": "1h"}})
    process = gateway.program.process
    gateway.program._expected_to_end = True
    process.terminate()
    becomes(gateway, 503)
    process.terminate()
    assert process.wait(10) == 1


def test_the_admin_listener_opens_before_the_database_answers(world, photos):
    server = Postgres()
    try:
        url = server.database()
        cable = world.cable(server.port)
        cable.block()
        settings = {"database": url.replace(f":{server.port}/", f":{cable.port}/")}
        gateway = world.gateway([world.node(task_seconds=0.2)], settings, start=False)
        gateway.start(wait=False)
        gateway.admin_url = gateway.program.wait_for_line(r"admin on (http://[^ ]*)").group(1)
        assert get(gateway, "/healthz").status_code == 200
        answer = get(gateway, "/readyz")
        assert answer.status_code == 503 and "database" in answer.json()["checks"][0]["detail"]
        assert get(gateway, "/api/tasks").status_code == 503
        assert not any("listening on" in line for line in gateway.program.lines)
        cable.unblock()
        gateway.wait_until_ready(60)
        becomes(gateway, 200)
        # Away later: polls go on, so it stays ready, and says what is the matter.
        uuid = gateway.api.submit(photos[:1])
        gateway.api.wait(uuid, 40)
        cable.block()
        answer = becomes(gateway, 200, condition=lambda body: body["degraded"])
        assert check_of(answer, "database")["result"] == "degraded"
        assert gateway.api.code(uuid) == 40
        cable.unblock()
        becomes(gateway, 200, condition=lambda body: not body["degraded"], seconds=60)
        gateway.stop()
    finally:
        server.close()


def test_a_gateway_without_backends_goes_on(world, photos):
    gateway = world.gateway([])
    uuid = gateway.api.submit(photos[:1])
    eventually("it waits", lambda: "no backend" in gateway.cli("tasks").stdout)
    assert gateway.api.code(uuid) == 10
    assert "No backend is listed" in gateway.cli("backends").stdout
    assert get(gateway, "/readyz").status_code == 503


def test_the_token(world):
    gateway = world.gateway([world.node()], {"admin": {"token": "open-sesame"}})
    for path in ("/api/backends", "/api/tasks", "/api/tasks/11111111-2222-4333-8444-555555555555"):
        assert get(gateway, path).status_code == 401
        for wrong in ("open-sesam", "open-sesame2", ""):
            assert get(gateway, path, headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
        assert get(gateway, path, headers={"Authorization": "bearer open-sesame"}).status_code in (200, 404)
    assert get(gateway, "/healthz").status_code == 200, "probes need no token"
    answer = gateway.cli("backends")
    assert answer.returncode == 1 and "wants a token" in answer.stderr
    assert gateway.cli("backends", "--token", "open-sesame").returncode == 0
    answer = gateway.cli("backends", environment={"SCALEODM_TOKEN": "shut"})
    assert answer.returncode == 1 and "token" in answer.stderr and "shut" not in answer.stderr


def test_without_a_token_only_callers_of_this_machine_by_its_own_name_are_answered(world):
    """A page of elsewhere can lead its own name to this machine, and would then be of the same origin."""
    gateway = world.gateway([world.node()])
    for host in ("evil.example.org", "evil.example.org:31101", "localhost.example.org", "127.0.0.1.example.org:80"):
        for path in ("/api/backends", "/api/events", "/metrics"):
            answer = requests.get(gateway.admin_url + path, headers={"Host": host}, timeout=10)
            assert answer.status_code == 403 and "admin.token" in answer.json()["error"], (host, path, answer.text)
        change = requests.post(gateway.admin_url + "/api/reload", headers={"Host": host, "X-ScaleODM-Admin": "1"}, timeout=10)
        assert change.status_code == 403
    for host in ("localhost", "localhost:31101", "127.0.0.1:1", "[::1]:31101", "192.0.2.7"):
        assert requests.get(gateway.admin_url + "/api/backends", headers={"Host": host}, timeout=10).ok, host
    guarded = world.gateway([world.node()], {"admin": {"token": "secret-admin-token"}})
    fields = {"Host": "gateway.example.org", "Authorization": "Bearer secret-admin-token"}
    assert requests.get(guarded.admin_url + "/api/backends", headers=fields, timeout=10).ok


def test_beyond_loopback_only_with_a_token(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text("admin: {listen: 0.0.0.0:0}\nbackends: []\n")
    for words in (["check", path], ["serve", "-c", path]):
        answer = command(*words)
        assert answer.returncode == 1 and "admin.token" in answer.stderr


def test_pages_filters_and_searches(world, photos):
    gateway = world.gateway([world.node(hold=True, max_parallel=1)])
    uuids = [gateway.api.submit(photos[:1], name=f"flight {number}") for number in range(5)]
    eventually("one runs", lambda: get(gateway, "/api/tasks?state=placed").json()["tasks"])
    seen, after = [], ""
    while True:
        page = get(gateway, f"/api/tasks?limit=2{after}").json()
        assert len(page["tasks"]) <= 2
        seen += [task["uuid"] for task in page["tasks"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(seen) == sorted(uuids) and len(set(seen)) == 5
    waiting = eventually(
        "four wait with a reason",
        lambda: (tasks := get(gateway, "/api/tasks?state=queued").json()["tasks"])
        and len(tasks) == 4 and all("node1" in task["why"] for task in tasks) and tasks)
    assert waiting[0]["state"] == "queued"
    found = get(gateway, "/api/tasks?search=FLIGHT%203").json()["tasks"]
    assert [task["uuid"] for task in found] == [uuids[3]]
    for bad in ("state=nonsense", "after=nonsense", "after=1", "after=x.y"):
        assert get(gateway, f"/api/tasks?{bad}").status_code == 400, bad
    assert "queued" in get(gateway, "/api/tasks?state=nonsense").json()["error"], "it says what there is"
    shown = gateway.cli("tasks", "--limit", "2")
    assert shown.stdout.count("flight") == 2 and "There are more" in shown.stderr
    assert "node1" in gateway.cli("tasks", "--state", "queued").stdout, "why it waits"
    answer = gateway.cli("tasks", "--state", "queud")
    assert answer.returncode == 1 and "queued" in answer.stderr


def test_why_a_task_waits_is_told_as_it_is_now(world, photos):
    gateway = world.gateway([world.node("alpha", hold=True, max_parallel=1)])
    gateway.api.submit(photos[:1], name="runs")
    eventually("it runs", lambda: get(gateway, "/api/tasks?state=placed").json()["tasks"])
    waits = gateway.api.submit(photos[:1], name="waits")
    eventually("it is noted in its events", lambda: any(
        "one slot in use" in event["detail"] for event in get(gateway, f"/api/tasks/{waits}").json()["events"]))
    assert get(gateway, f"/api/tasks/{waits}").json()["why"] == "alpha has its one slot in use"
    requests.post(f"{gateway.admin_url}/api/backends/alpha/lock", headers={"X-ScaleODM-Admin": "1"}, timeout=10)
    eventually("it tells of the lock", lambda: get(gateway, f"/api/tasks/{waits}").json()["why"] == "alpha is locked")
    [listed] = get(gateway, "/api/tasks?state=queued").json()["tasks"]
    assert listed["why"] == "alpha is locked"
    assert "alpha is locked" in gateway.cli("tasks", "--state", "queued").stdout


def test_a_query_that_cannot_be_read_is_refused_with_what_was_expected(world):
    gateway = world.gateway([])
    nobody = "11111111-2222-4333-8444-555555555555"
    for path, told in (
        ("tasks?limit=x", "whole number from 1 to 1000"), ("tasks?limit=", "whole number"), ("tasks?limit=0", "from 1 to 1000"),
        ("tasks?limit=1001", "from 1 to 1000"), ("tasks?stat=failed", "`state`"), ("tasks?state=failed&state=queued", "once"),
        ("queue?limit=x", "whole number from 1 to 1000"), ("queue?state=queued", "`limit`"), ("backends?state=online", "none"),
        (f"tasks/{nobody}?verbose=1", "none"), (f"tasks/{nobody}/output?line=last", "whole number"), ("gateway?x", "none"),
        ("history?hour=1", "`hours`"),
    ):
        answer = get(gateway, f"/api/{path}")
        assert answer.status_code == 400 and told in answer.json()["error"], (path, answer.text)
    for path, told in (("backends/x?forget=yes", "true or false"), ("backends/x?force=true", "`forget`")):
        answer = requests.delete(f"{gateway.admin_url}/api/{path}", headers={"X-ScaleODM-Admin": "1"}, timeout=10)
        assert answer.status_code == 400 and told in answer.json()["error"], (path, answer.text)


def test_it_is_for_reading(world):
    gateway = world.gateway([])
    assert requests.post(gateway.admin_url + "/api/tasks", timeout=10).status_code == 405
    assert get(gateway, "/nothing").status_code == 404
    answer = command("tasks", "--admin", gateway.url)
    assert answer.returncode == 1 and "admin" in answer.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_access_log_has_the_format_of_the_log(world, photos, form):
    gateway = world.gateway([world.node(task_seconds=0.2)], {"log": {"format": form}})
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, 40)
    size = len(gateway.api.download(uuid).content)
    gateway.backends()
    get(gateway, "/healthz")
    gateway.stop()
    lines = [line for line in gateway.program.lines if re.search(r'message":"request"|INFO  request ', line)]
    assert lines and not any("healthz" in line for line in lines), "probes say nothing"
    if form == "json":
        entries = [json.loads(line) for line in lines]
        routes = {entry["route"]: entry for entry in entries}
        assert routes["download"]["out"] == size and routes["api_backends"]["listener"] == "admin"
    else:
        assert not any(line.startswith("{") for line in lines)
        assert any(f'route="download" status=200 in=0 out={size} ' in line for line in lines), lines
        assert any('listener=admin' in line for line in lines)
    ended = [line for line in gateway.program.lines if "task ended" in line]
    assert ended and "completed" in ended[0] and "Model." not in ended[0] and "(" not in ended[0]


# check --probe


def probe(tmp_path, settings):
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml(settings))
    return command("check", path, "--probe")


def test_a_probe_beside_a_running_gateway_changes_nothing(world):
    node = world.node(token="right")
    gateway = world.gateway([node])
    before = sorted(path for path in gateway.storage_folder.rglob("*"))
    answer = command("check", gateway.inventory, "--probe")
    assert answer.returncode == 0 and "in use by a running gateway" in answer.stdout, answer
    assert "token accepted" in answer.stdout and "written and removed" in answer.stdout
    assert sorted(path for path in gateway.storage_folder.rglob("*")) == before


def test_a_probe_makes_nothing(world, tmp_path):
    node = world.node()
    answer = probe(tmp_path, {"listen": "127.0.0.1:0", "database": "sqlite:data/s.db", "backends": [node.backend()]})
    assert answer.returncode == 0 and answer.stdout.count("it can be made") == 2, answer
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.yaml"]


def test_a_probe_tells_of_each_failure_and_is_bounded(world, tmp_path):
    good, frozen, wrong = world.node("good"), world.node("frozen"), world.node("wrong", token="right")
    frozen.freeze()
    (tmp_path / "storage").write_text("a file where a folder should be")
    answer = probe(tmp_path, {
        "listen": "127.0.0.1:0", "database": "postgresql://nobody@127.0.0.1:9/none",
        "storage": {"directory": "storage"},
        "backends": [good.backend(), frozen.backend(), {**wrong.backend(), "token": "wrong-token"}]})
    frozen.thaw()
    assert answer.returncode == 1, answer
    lines = {re.sub(r"^(good|FAILED) +", "", line).split("  ")[0]: line.split()[0]
             for line in answer.stdout.splitlines() if line.startswith(("good", "FAILED"))}
    assert lines == {"database": "FAILED", "storage": "FAILED", "backend good": "good", "backend frozen": "FAILED",
                     "backend wrong": "FAILED"}, answer.stdout
    assert "wrong-token" not in answer.stdout + answer.stderr and "4 of 5 probes failed" in answer.stderr


def test_polls_are_sampled_in_the_access_log(world, photos):
    """Clients poll each task every few seconds: one line of a hundred is enough, and no other line drowns among them."""
    gateway = world.gateway([world.node(task_seconds=3600)])
    uuid = gateway.api.submit(photos[:1])
    for _ in range(150):
        assert gateway.api.task(uuid)["uuid"] == uuid
    gateway.api.get("/nonsense")
    gateway.program.wait_for_line(r'path="/nonsense" .*status=404')

    def count(route):
        return sum(1 for line in gateway.program.lines if f'route="{route}"' in line)

    assert 1 <= count("task_info") <= 3
    assert count("init") == count("upload") == count("commit") == 1
    for _ in range(5):
        assert gateway.api.get("/task/11111111-2222-4333-8444-555555555555/download/all.zip").status_code == 200
    gateway.api.get("/nonsense2")
    gateway.program.wait_for_line(r'path="/nonsense2" ')
    assert count("download") == 5


def test_polls_are_all_in_the_log_at_level_debug(world, photos):
    gateway = world.gateway([world.node()], {"log": {"level": "debug"}})
    for _ in range(20):
        gateway.api.info()
    gateway.api.get("/nonsense")
    gateway.program.wait_for_line(r'path="/nonsense" ')
    assert sum(1 for line in gateway.program.lines if 'listener=api' in line and 'route="info"' in line) >= 20

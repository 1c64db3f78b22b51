"""The command line: what it prints, and what it exits with (0 done, 1 failed, 2 used wrongly)."""

import json
import re
import signal
import subprocess
import threading
import zipfile

import pytest

from harness.gateway import command, yaml
from harness.images import sha256
from harness.programs import Program, binary
from harness.waiting import eventually


@pytest.fixture(scope="module")
def running(scratch):
    from conftest import World

    world = World(scratch / "cli")
    node = world.node(name="alpha", task_seconds=0.5, max_parallel=2, ranges=True)
    other = world.node(name="beta", task_seconds=0.5, max_parallel=2, ranges=True)
    yield world.gateway([node, other]), [node, other]
    world.close()


def test_help_and_version():
    top = command("--help")
    assert top.returncode == 0
    for verb in ("serve", "check", "submit", "download", "tasks", "backends", "demo"):
        assert verb in top.stdout
        own = command(verb, "--help")
        assert own.returncode == 0 and verb in own.stdout and not own.stderr, verb
    version = command("--version")
    assert version.returncode == 0 and re.search(r"\d+\.\d+\.\d+", version.stdout)


@pytest.mark.parametrize("words", [
    ["nonsense"], ["serve", "--no-such-flag"], ["check", "a", "b"], ["submit"], ["download"], ["tasks", "show"], ["serve", "-c"],
], ids=" ".join)
def test_wrong_usage_exits_with_2(words):
    answer = command(*words)
    assert answer.returncode == 2, answer
    assert answer.stderr.strip() and "Usage" in answer.stderr + answer.stdout or "usage" in answer.stderr + answer.stdout


def test_an_unknown_state_is_told_with_those_that_are_known():
    answer = command("tasks", "--state", "nonsense")
    assert "One of: receiving, queued, " in answer.stderr, answer.stderr


def test_warnings_are_called_warnings(tmp_path):
    answer = command("check", write(tmp_path, "backends: [{name: one, url: http://node1.example.org:3000, token: s3cret}]\n"))
    assert answer.returncode == 0
    assert re.search(r"^warning: .*gateway\.yaml:1:\d+: .*the secret stands", answer.stderr, re.M), answer.stderr


def write(folder, text):
    path = folder / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = """\
listen: 127.0.0.1:0
database: sqlite:data/scaleodm.db
backends:
  - name: one
    kind: nodeodm
    url: http://node1.example.org:3000
    token: s3cret-token
"""


def test_check_of_a_good_inventory(tmp_path):
    path = write(tmp_path, GOOD)
    answer = command("check", path)
    assert answer.returncode == 0, answer
    assert not (tmp_path / "data").exists(), "check starts nothing and makes nothing"
    shown = command("check", path, "--print")
    assert shown.returncode == 0 and "node1.example.org" in shown.stdout
    assert "s3cret-token" not in shown.stdout + shown.stderr and "***" in shown.stdout


def test_an_inventory_with_five_mistakes_reports_all_of_them(tmp_path):
    path = write(tmp_path, """\
lissten: 127.0.0.1:0
database: mysql://db/scaleodm
scheduling:
  refresh: soon
backends:
  - name: one
    kind: nodeodm
    url: http://node1.example.org:3000
  - name: one
    kind: nodedm
    url: http://node2.example.org:3000
""")
    answer = command("check", path)
    assert answer.returncode == 1, answer
    reports = re.findall(r"gateway\.yaml:(\d+):(\d+): (.+)", answer.stderr + answer.stdout)
    lines = {int(line) for line, _, _ in reports}
    assert lines >= {1, 2, 4, 9, 10}, answer.stderr + answer.stdout
    text = " ".join(message for _, _, message in reports)
    assert "listen" in text and "nodeodm" in text, "did you mean"
    served = command("serve", "-c", path)
    assert served.returncode == 1 and len(re.findall(r"gateway\.yaml:\d+:\d+: ", served.stderr + served.stdout)) >= 5


@pytest.mark.parametrize("text, line", [
    ("listen: [\n", 2), ("a: b: c\n", 1), ("listen: 127.0.0.1:0\nlisten: 127.0.0.1:1\n", 2), ("\t- x\n", 1),
    ("backends:\n  - kind: nodeodm\n    url: http://node1.example.org\n", 2),
    ("listen: ${SCALEODM_NO_SUCH_VARIABLE}\n", 1), ("mirror:\n  refresh: -1s\n", 2), ("a: &a [*a]\n", 1),
], ids=["unclosed", "two colons", "same key twice", "tab", "no name", "unset variable", "negative time", "alias of itself"])
def test_malformed_inventories(tmp_path, text, line):
    answer = command("check", write(tmp_path, text))
    assert answer.returncode == 1, answer
    assert re.search(rf"gateway\.yaml:{line}:\d+: ", answer.stderr + answer.stdout), answer


def test_what_comes_later_is_refused_as_such(tmp_path):
    answer = command("check", write(tmp_path, GOOD + "    labels: {}\ntls: {certificate: a.pem, key: b.pem}\n"))
    assert answer.returncode == 1 and "not supported yet" in answer.stderr + answer.stdout


def test_an_empty_list_of_backends_is_valid(tmp_path):
    for text in ("backends: []\n", "backends:\n"):
        answer = command("check", write(tmp_path, text))
        assert answer.returncode == 0, answer
        assert "backend" in (answer.stdout + answer.stderr).lower(), "with a warning"


def test_files_that_are_not_there(tmp_path):
    answer = command("check", tmp_path / "absent.yaml")
    assert answer.returncode == 1 and "absent.yaml" in answer.stderr
    answer = command("serve", "-c", tmp_path / "absent.yaml")
    assert answer.returncode == 1 and "absent.yaml" in answer.stderr


def test_check_probe(world, tmp_path):
    node = world.node(token="right")
    good = {"listen": "127.0.0.1:0", "database": "sqlite:data/s.db", "backends": [node.backend()]}
    answer = command("check", write(tmp_path, yaml(good)), "--probe")
    assert answer.returncode == 0, answer
    assert node.name in answer.stdout
    wrong = {**good, "backends": [{**node.backend(), "token": "wrong"}]}
    answer = command("check", write(tmp_path, yaml(wrong)), "--probe")
    assert answer.returncode == 1 and node.name in answer.stdout + answer.stderr
    node.kill()
    answer = command("check", write(tmp_path, yaml(good)), "--probe")
    assert answer.returncode == 1 and node.name in answer.stdout + answer.stderr


def uuid_in(text):
    return re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text).group(0)


def test_submit_wait_and_download(running, flight, tmp_path):
    gateway, nodes = running
    answer = gateway.cli("submit", *flight.small[:6], flight.gcp, "--option", "dsm=true", "--option",
                         "orthophoto-resolution=3", "--wait", cwd=tmp_path)
    assert answer.returncode == 0, answer
    uuid = uuid_in(answer.stdout)
    info = gateway.api.task(uuid)
    assert info["status"]["code"] == 40 and info["imagesCount"] == 6
    options = {option["name"]: option["value"] for option in info["options"]}
    assert options["dsm"] is True and options["orthophoto-resolution"] == 3
    answer = gateway.cli("download", uuid, cwd=tmp_path)
    assert answer.returncode == 0, answer
    archives = list(tmp_path.glob("*.zip"))
    assert len(archives) == 1
    with zipfile.ZipFile(archives[0]) as archive:
        inside = {name.rsplit("/", 1)[-1]: sha256(archive.read(name)) for name in archive.namelist()}
    for path in (*flight.small[:6], flight.gcp):
        assert inside[path.name] == flight.checksums[path.name]


def test_submit_without_waiting_and_tasks(running, flight):
    gateway, _ = running
    answer = gateway.cli("submit", *flight.small[:2])
    assert answer.returncode == 0, answer
    uuid = uuid_in(answer.stdout)
    listed = gateway.cli("tasks")
    assert listed.returncode == 0 and uuid in listed.stdout
    as_json = gateway.cli("tasks", "--json")
    assert as_json.returncode == 0 and uuid in json.dumps(json.loads(as_json.stdout))
    gateway.api.wait(uuid, 40)
    shown = gateway.cli("tasks", "show", uuid)
    assert shown.returncode == 0 and uuid in shown.stdout
    assert "alpha" in shown.stdout or "beta" in shown.stdout, "where it went"
    absent = gateway.cli("tasks", "show", "11111111-2222-4333-8444-555555555555")
    assert absent.returncode == 1 and "11111111" in absent.stderr


def test_backends(running):
    gateway, _ = running
    answer = gateway.cli("backends")
    assert answer.returncode == 0 and "alpha" in answer.stdout and "beta" in answer.stdout
    listed = json.loads(gateway.cli("backends", "--json").stdout)
    assert {"alpha", "beta"} <= set(re.findall(r'"(alpha|beta)"', json.dumps(listed)))


def test_download_resumes_where_ranges_are_offered(running, flight, tmp_path):
    gateway, nodes = running
    uuid = uuid_in(gateway.cli("submit", *flight.small[:3], flight.large, "--wait").stdout)
    whole = gateway.api.download(uuid).content
    first = gateway.cli("download", uuid, cwd=tmp_path)
    assert first.returncode == 0, first
    archive = next(tmp_path.glob("*.zip"))
    assert archive.read_bytes() == whole


def test_failures_exit_with_1(running, flight, tmp_path):
    gateway, _ = running
    unknown = "11111111-2222-4333-8444-555555555555"
    answer = gateway.cli("download", unknown, cwd=tmp_path)
    assert answer.returncode == 1 and "not found" in answer.stderr
    assert not list(tmp_path.iterdir()), "no half file is left"
    answer = gateway.cli("submit", tmp_path / "absent.jpg")
    assert answer.returncode in (1, 2) and "absent.jpg" in answer.stderr
    answer = gateway.cli("submit", flight.small[0], "--option", "feature-quality=best")
    assert answer.returncode == 1 and "feature-quality" in answer.stderr
    for verb in (["tasks"], ["backends"]):
        answer = command(*verb, environment={"SCALEODM_ADMIN": "http://127.0.0.1:9"})
        assert answer.returncode == 1 and "127.0.0.1:9" in answer.stderr
    answer = command("submit", flight.small[0], environment={"SCALEODM_GATEWAY": "http://127.0.0.1:9"})
    assert answer.returncode == 1 and "127.0.0.1:9" in answer.stderr


def test_flags_win_over_the_environment(running, flight):
    gateway, _ = running
    elsewhere = {"SCALEODM_GATEWAY": "http://127.0.0.1:9", "SCALEODM_ADMIN": "http://127.0.0.1:9"}
    answer = command("submit", flight.small[0], "--gateway", gateway.url, environment=elsewhere)
    assert answer.returncode == 0, answer
    answer = command("backends", "--admin", gateway.admin_url, environment=elsewhere)
    assert answer.returncode == 0, answer


def test_tokens_on_the_command_line(world, flight):
    from test_node_auth import tokens

    gateway = world.gateway([world.node(task_seconds=0.2)], tokens("right", required=True))
    assert gateway.cli("submit", flight.small[0], "--wait", "--token", "right").returncode == 0
    assert gateway.cli("submit", flight.small[0], environment={"SCALEODM_TOKEN": "right"}).returncode == 0
    answer = gateway.cli("submit", flight.small[0], "--token", "wrong")
    assert answer.returncode == 1 and "token" in answer.stderr and "wrong" not in answer.stderr


def test_a_failed_task_makes_submit_exit_with_1(world, flight):
    stub = world.stub()
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    done = {}
    thread = threading.Thread(target=lambda: done.update(answer=gateway.cli("submit", flight.small[0], "--wait")))
    thread.start()
    stub.only_task()
    stub.end(30)
    thread.join(60)
    assert done["answer"].returncode == 1, done


def test_control_c_cancels_on_request(world, flight):
    node = world.node(task_seconds=3600)
    gateway = world.gateway([node])
    client = Program("submit", [binary("scaleodm", "SCALEODM_GATEWAY"), "submit", flight.small[0], "--wait", "--gateway",
                                gateway.url])
    eventually("it runs", lambda: sum(node.starts().values()) == 1)
    client.signal(signal.SIGINT)
    try:
        client.process.wait(20)
    except subprocess.TimeoutExpired:
        client.kill()
        raise AssertionError("Ctrl-C with no terminal to ask must end the command") from None
    client._expected_to_end = True
    assert client.process.returncode != 0
    assert gateway.api.code(gateway.api.tasks()[0]) in (10, 20), "without being asked to, it does not cancel"

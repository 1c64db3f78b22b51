"""`scaleodm import`: a site that ran ClusterODM goes on with this gateway, in one command."""

import json
import os
import stat
import urllib.parse

import pytest

from harness.gateway import Gateway, command
from harness.images import jpeg
from harness.programs import Program, binary
from harness.waiting import eventually

TOKEN = "client-token"


def entry(node, **more):
    """A node as ClusterODM writes it: the port as a text."""
    parts = urllib.parse.urlsplit(node.url)
    return {"hostname": parts.hostname, "port": str(parts.port), "token": node.token or "", **more}


@pytest.fixture(scope="module")
def site(scratch):
    """Two nodes with tasks, and ClusterODM's two files about them."""
    from conftest import World

    world = World(scratch / "site")
    first = world.node(name="one", task_seconds=0.3, token="n0de-token")
    second = world.node(name="two", task_seconds=0.3)
    world.listed = [first, second]
    tasks = {node.name: upload(node, f"old task of {node.name}") for node in (first, second)}
    folder = scratch / "cluster"
    folder.mkdir()
    (folder / "nodes.json").write_text(json.dumps([entry(first), entry(second, locked=True)]))
    (folder / "routes.json").write_text(json.dumps({
        tasks["one"]: {"node": entry(first), "token": TOKEN, "accessed": 1700000000000},
        tasks["two"]: {"node": entry(second), "token": TOKEN, "accessed": 1700000001000},
        "11111111-2222-4333-8444-555555555555": {"node": entry(first), "token": TOKEN, "accessed": 1600000000000},
    }))
    yield world, folder, tasks
    world.close()


def upload(node, name):
    """A task that a node got past this gateway; ended."""
    uuid = node.api.submit([(f"{number}.jpg", jpeg(number)) for number in range(1, 4)], name=name,
                           options='[{"name":"dsm","value":true}]')
    node.api.wait(uuid)
    return uuid


def test_it_may_be_done_again_and_nothing_is_overwritten(site, scratch):
    _, folder, _ = site
    data = scratch / "again"
    words = ["import", "--nodes", folder / "nodes.json", "--routes", folder / "routes.json", "--data", data]
    assert command(*words).returncode == 0
    before = (data / "gateway.yaml").read_text()
    second = command(*words)
    assert second.returncode == 1 and "is there already" in second.stderr
    assert (data / "gateway.yaml").read_text() == before
    os.rename(data / "gateway.yaml", data / "old.yaml")
    third = command(*words)
    assert "tasks      0 taken over, 2 known before" in third.stdout, third.stderr


def test_nodes_that_are_away_keep_their_tasks(scratch, tmp_path):
    gone = {"hostname": "127.0.0.1", "port": 1, "token": ""}
    uuid = "6b2f2fae-4d9c-4b3a-9c7e-1f2d3c4b5a69"
    (tmp_path / "nodes.json").write_text(json.dumps([gone]))
    (tmp_path / "routes.json").write_text(json.dumps({uuid: {"node": gone, "accessed": 1700000000000}}))
    for offline in ([], ["--offline"]):
        data = tmp_path / f"data{len(offline)}"
        answer = command("import", "--nodes", tmp_path / "nodes.json", "--routes", tmp_path / "routes.json",
                         "--data", data, *offline)
        assert answer.returncode == 0 and "tasks      1 taken over" in answer.stdout
        assert ("taken over unseen" in answer.stderr) == (not offline)


def test_a_record_in_postgresql_is_named_in_the_environment(site, scratch, _postgres):
    _, folder, tasks = site
    data = scratch / "postgres"
    url = _postgres.database()
    answer = command("import", "--nodes", folder / "nodes.json", "--routes", folder / "routes.json", "--data", data,
                     environment={"SCALEODM_DATABASE_URL": url})
    assert answer.returncode == 0, answer.stderr
    assert "tasks      2 taken over" in answer.stdout
    assert "database: ${SCALEODM_DATABASE_URL}" in (data / "gateway.yaml").read_text()
    assert not (data / "scaleodm.db").exists()


@pytest.mark.parametrize("nodes, routes, message", [
    ("[", None, "nodes.json is no JSON"),
    ('[{"hostname": "a"}]', None, "node 1 (a): `port` is missing"),
    ("[]", "[]", "routes.json: an object of tasks is expected"),
    ("[]", '{"u1": {"node": {"port": 1}}}', "task `u1`: node: `hostname` is missing"),
    (None, None, "nodes.json: No such file or directory"),
], ids=["no JSON", "no port", "an array", "no host", "no file"])
def test_bad_files_are_told_and_leave_nothing(nodes, routes, message, tmp_path):
    for name, text in (("nodes.json", nodes), ("routes.json", routes)):
        if text is not None:
            (tmp_path / name).write_text(text)
    words = ["--routes", tmp_path / "routes.json"] if routes else []
    answer = command("import", "--nodes", tmp_path / "nodes.json", *words, "--data", tmp_path / "data")
    assert answer.returncode == 1 and message in answer.stderr, answer.stderr
    assert not (tmp_path / "data").exists()


def test_a_running_gateway_is_in_the_way(scratch, tmp_path):
    gateway = Gateway(tmp_path, [], settings={"database": "sqlite:scaleodm.db"})
    try:
        (tmp_path / "gateway.yaml").unlink()
        (tmp_path / "nodes.json").write_text("[]")
        answer = command("import", "--nodes", tmp_path / "nodes.json", "--data", tmp_path)
        assert answer.returncode == 1 and "use" in answer.stderr, answer.stderr
        assert not (tmp_path / "gateway.yaml").exists()
    finally:
        gateway.stop()


def test_old_tasks_still_answer_and_obey(site, scratch):
    world, folder, tasks = site
    data = scratch / "data"
    answer = command("import", "--nodes", folder / "nodes.json", "--routes", folder / "routes.json", "--data", data,
                     "--listen", "127.0.0.1:0")
    assert answer.returncode == 0, answer.stderr
    assert "backends   2, of them 1 locked" in answer.stdout
    assert "tasks      2 taken over, 0 known before" in answer.stdout
    assert "no longer has task 11111111-2222-4333-8444-555555555555: left out" in answer.stderr
    text = (data / "gateway.yaml").read_text()
    assert "n0de-token" not in text and TOKEN not in text
    secrets = [file for file in (data / "tokens").iterdir()]
    assert [file.read_text() for file in secrets] == ["n0de-token"]
    assert stat.S_IMODE(secrets[0].stat().st_mode) == 0o600 and stat.S_IMODE((data / "tokens").stat().st_mode) == 0o700

    with open(data / "gateway.yaml", "a") as file:
        file.write("admin: {listen: \"127.0.0.1:0\"}\n")
    program = Program("gateway", [binary("scaleodm", "SCALEODM_GATEWAY"), "serve", "-c", data / "gateway.yaml"], cwd=data)
    try:
        from harness.api import API

        admin = program.wait_for_line(r"admin on (http://[^ ]*:\d+)").group(1)
        url = program.wait_for_line(r"listening on (http://[^ ]*:\d+)").group(1)
        api = API(url, TOKEN)
        for name, uuid in tasks.items():
            info = api.wait(uuid, 40)
            assert info["name"] == f"old task of {name}" and info["imagesCount"] == 3
            assert {"name": "dsm", "value": True} in info["options"]
            assert api.download(uuid).status_code == 200
        assert set(api.tasks()) == set(tasks.values())
        def states():
            return sorted(backend["state"] for backend in json.loads(
                command("backends", "--json", "--admin", admin).stdout))

        eventually("one is locked", lambda: states() == ["locked", "online"])

        # The node has the images, and the gateway hasn't: it starts again where it is, and goes from there.
        node, uuid = world.listed[0], tasks["one"]
        starts = node.starts(uuid)
        assert api.act("restart", uuid) == {"success": True}
        eventually("it ran again", lambda: node.starts(uuid) == starts + 1 and api.code(uuid) == 40)
        assert api.act("remove", uuid) == {"success": True}
        eventually("the node has it no more", lambda: uuid not in node.api.tasks())
        assert uuid not in api.tasks()
    finally:
        program.stop()

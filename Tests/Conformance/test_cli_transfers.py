"""The command line's transfers: progress on a terminal, Ctrl-C, broken connections, resumed downloads, the demo."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.parse
import zipfile

import piexif
import pytest
import requests
from PIL import Image

from harness.gateway import command
from harness.programs import Program, binary
from harness.terminal import Terminal
from harness.waiting import eventually


def scaleodm():
    return binary("scaleodm", "SCALEODM_GATEWAY")


def uuid_in(text):
    return re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text).group(0)


@contextlib.contextmanager
def on_terminal(*words, **settings):
    terminal = Terminal([scaleodm(), *words], **settings)
    try:
        yield terminal
    finally:
        terminal.close()


# Progress


def test_bars_on_a_terminal(world, flight, tmp_path):
    node = world.node(hold=True, task_seconds=0.5, download_rate=10_000_000)
    gateway = world.gateway([node])
    where = ["--gateway", gateway.url]
    with on_terminal("submit", flight.large, *flight.small[:3], "--wait", *where) as terminal:
        terminal.wait_for(r"\rUploading \[[#.]+\] \d+ %  [0-9.]+ [KM]?i?B of 28\.6 MiB")
        terminal.wait_for(r"\rProcessing \[[#.]+\] \d+ %  \d+ s  running")
        node.set(hold=False)
        assert terminal.wait() == 0
        uuid = uuid_in(terminal.text)
    with on_terminal("download", uuid, *where, cwd=tmp_path) as terminal:
        terminal.wait_for(r"\rDownloading \[[#.]+\] \d+ %  [0-9.]+ MiB of 28\.6 MiB  [0-9.]+ MiB/s  \d+ s left")
        assert terminal.wait() == 0


def test_bars_fit_a_narrow_terminal(world, flight):
    gateway = world.gateway([world.node(task_seconds=0.5)])
    with on_terminal("submit", flight.large, "--wait", "--gateway", gateway.url, columns=30) as terminal:
        assert terminal.wait() == 0
        drawn = [part.split("\x1b[K")[0] for part in terminal.text.split("\r") if "\x1b[K" in part]
        assert drawn and all(len(line) < 30 for line in drawn), drawn


def test_no_bars_and_no_colours_away_from_a_terminal(world, flight):
    gateway = world.gateway([world.node(task_seconds=0.5)])
    answer = gateway.cli("submit", *flight.small[:2], "--wait")
    assert answer.returncode == 0
    assert answer.stdout.strip() == uuid_in(answer.stdout), "a script reads the uuid alone"
    assert "\r" not in answer.stderr and "\x1b" not in answer.stderr + gateway.cli("tasks").stdout
    with on_terminal("tasks", "--admin", gateway.admin_url) as terminal:
        assert terminal.wait() == 0 and "\x1b[32m" in terminal.text
    with on_terminal("tasks", "--admin", gateway.admin_url, environment={"NO_COLOR": "1"}) as terminal:
        assert terminal.wait() == 0 and "\x1b[3" not in terminal.text and "completed" in terminal.text


def test_json_for_programs(world, flight):
    gateway = world.gateway([world.node(task_seconds=0.2)])
    begun = json.loads(gateway.cli("submit", flight.small[0], "--json").stdout)
    assert set(begun) == {"uuid"}
    ended = json.loads(gateway.cli("submit", flight.small[1], "--name", "field-7", "--wait", "--json").stdout)
    assert ended["status"]["code"] == 40 and ended["name"] == "field-7"
    shown = json.loads(gateway.cli("tasks", "show", ended["uuid"], "--json").stdout)
    assert shown["state"] == "completed" and shown["events"] and shown["attempts"][0]["outcome"] == "completed"


# Ctrl-C


@pytest.fixture
def endless(world, flight):
    node = world.node(task_seconds=3600)
    return node, world.gateway([node])


@pytest.mark.parametrize("answer, code", [("y\n", 50), ("n\n", 20), ("\n", 20)], ids=["yes", "no", "nothing typed"])
def test_control_c_asks_once(endless, flight, answer, code):
    node, gateway = endless
    with on_terminal("submit", flight.small[0], "--wait", "--gateway", gateway.url) as terminal:
        terminal.wait_for(r"\rProcessing.*running")
        terminal.press("\x03")
        terminal.wait_for(r"Cancel the task, too\? \[y/N\] ")
        terminal.press(answer)
        assert terminal.wait() == 1
        assert gateway.api.code(uuid_in(terminal.text)) == code


def test_a_second_control_c_leaves_the_task(endless, flight):
    node, gateway = endless
    with on_terminal("submit", flight.small[0], "--wait", "--gateway", gateway.url) as terminal:
        terminal.wait_for(r"\rProcessing.*running")
        terminal.press("\x03")
        terminal.wait_for(r"Cancel the task, too\?")
        terminal.press("\x03")
        assert terminal.wait() == 1
        assert gateway.api.code(uuid_in(terminal.text)) == 20


def test_control_c_cancels_without_asking_where_the_flag_says_so(endless, flight):
    node, gateway = endless
    client = Program("submit", [scaleodm(), "submit", flight.small[0], "--wait", "--cancel-on-interrupt", "--gateway",
                                gateway.url])
    # It follows the task by then: the signal isn't meant for its upload.
    client.wait_for_line(r"^[0-9a-f-]{36}$")
    eventually("it runs", lambda: sum(node.starts().values()) == 1)
    client.signal(signal.SIGINT)
    client._expected_to_end = True
    assert client.process.wait(60) == 1
    assert gateway.api.code(gateway.api.tasks()[0]) == 50


def test_control_c_during_the_upload_starts_nothing(world, flight):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    cable = world.cable(int(urllib.parse.urlsplit(gateway.url).port))
    client = Program("submit", [scaleodm(), "submit", flight.large, "--gateway", cable.url])
    cable.wait_until_seen("up", 1_000_000)
    cable.block()
    client.signal(signal.SIGINT)
    client._expected_to_end = True
    assert client.process.wait(60) == 1
    client._reader.join(10)
    assert any("nothing was started" in line for line in client.lines)
    assert gateway.api.tasks() == [] and node.starts() == {}


# Connections that break


def test_uploads_are_sent_again_where_the_gateway_is_restarted(world, flight):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    cable = world.cable(int(urllib.parse.urlsplit(gateway.url).port))
    client = Program("submit", [scaleodm(), "submit", *flight.small[:8], flight.large, "--wait", "--gateway", cable.url])
    cable.wait_until_seen("up", 1_000_000)
    cable.cut()
    gateway.restart_after_kill()
    cable.mend()
    client._expected_to_end = True
    assert client.process.wait(90) == 0, client.tail()
    client._reader.join(10)
    assert any("trying again" in line for line in client.lines)
    uuid = uuid_in("\n".join(client.lines))
    wanted = sorted((path.name, flight.checksums[path.name]) for path in (*flight.small[:8], flight.large))
    assert node.files(uuid) == wanted


def test_answers_that_are_lost_start_nothing_twice(world, flight):
    node = world.node(task_seconds=0.2)
    gateway = world.gateway([node])
    cable = world.cable(int(urllib.parse.urlsplit(gateway.url).port))
    for call in ("init", "commit"):
        cable.lose_answer_to(f"POST /task/new/{call}".encode())
        answer = gateway.cli("submit", flight.small[0], "--wait", "--gateway", cable.url)
        assert answer.returncode == 0 and "trying again" in answer.stderr, answer
    assert len(gateway.api.tasks()) == 2 and sum(node.starts().values()) == 2


@pytest.fixture(scope="module")
def finished(scratch, flight):
    """A finished task of about 30 MB on a node with ranges, and one on a node without."""
    from conftest import World

    world = World(scratch / "cli-transfers")
    made = {}
    for name, ranges in (("ranges", True), ("plain", False)):
        node = world.node(name=name, task_seconds=0.2, ranges=ranges)
        gateway = world.gateway([node])
        uuid = uuid_in(gateway.cli("submit", flight.large, "--wait").stdout)
        made[name] = (gateway, node, uuid, gateway.api.download(uuid).content)
    yield made
    world.close()


@pytest.mark.parametrize("kind, words", [("ranges", "continuing at"), ("plain", "starting again, since no ranges")])
def test_a_broken_download_goes_on(finished, tmp_path, kind, words):
    gateway, node, uuid, whole = finished[kind]
    node.set(cutDownloads=1, cutAfterBytes=5_000_000)
    answer = gateway.cli("download", uuid, "-o", "a.zip", cwd=tmp_path)
    assert answer.returncode == 0 and words in answer.stderr, answer
    assert (tmp_path / "a.zip").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"], "nothing else is left"


def killed_half_way(gateway, node, uuid, folder):
    """`a.zip.part` of a download that was killed."""
    node.set(downloadRate=2_000_000)
    client = Program("download", [scaleodm(), "download", uuid, "-o", "a.zip", "--gateway", gateway.url], cwd=folder)
    part = folder / "a.zip.part"
    eventually("some of it is there", lambda: part.exists() and part.stat().st_size > 500_000)
    client.kill()
    node.set(downloadRate=0)
    assert not (folder / "a.zip").exists()
    return part


def test_a_killed_download_is_continued_by_the_next_command(finished, tmp_path):
    gateway, node, uuid, whole = finished["ranges"]
    part = killed_half_way(gateway, node, uuid, tmp_path)
    size = part.stat().st_size
    answer = gateway.cli("download", uuid, "-o", "a.zip", cwd=tmp_path)
    assert answer.returncode == 0 and "Continuing" in answer.stderr, answer
    assert (tmp_path / "a.zip").read_bytes() == whole
    gateway.program.wait_for_line(rf'route="download" status=206 in=0 out={len(whole) - size} ')


def test_a_part_of_something_else_is_not_continued(finished, tmp_path):
    gateway, node, uuid, whole = finished["ranges"]
    part = killed_half_way(gateway, node, uuid, tmp_path)
    version = tmp_path / "a.zip.part.version"
    version.write_text(version.read_text().split("\n")[0] + '\n"another version"\n')
    answer = gateway.cli("download", uuid, "-o", "a.zip", cwd=tmp_path)
    assert answer.returncode == 0 and "starting again" in answer.stderr, answer
    assert (tmp_path / "a.zip").read_bytes() == whole
    part.write_bytes(b"a part of nothing")
    answer = gateway.cli("download", uuid, "-o", "a.zip", cwd=tmp_path)
    assert answer.returncode == 0 and "Starting again" in answer.stderr, answer
    assert (tmp_path / "a.zip").read_bytes() == whole


def test_a_killed_download_without_ranges_starts_again_and_says_so(finished, tmp_path):
    gateway, node, uuid, whole = finished["plain"]
    killed_half_way(gateway, node, uuid, tmp_path)
    answer = gateway.cli("download", uuid, "-o", "a.zip", cwd=tmp_path)
    assert answer.returncode == 0 and "Starting again" in answer.stderr, answer
    assert (tmp_path / "a.zip").read_bytes() == whole


def test_where_downloads_go(finished, tmp_path):
    gateway, _, uuid, whole = finished["plain"]
    answer = gateway.cli("download", uuid, cwd=tmp_path)
    assert answer.stdout == f"{uuid}-all.zip\n"
    (tmp_path / "folder").mkdir()
    gateway.cli("download", uuid, "-o", "folder", cwd=tmp_path)
    assert (tmp_path / "folder" / f"{uuid}-all.zip").read_bytes() == whole
    answer = gateway.cli("download", uuid, "-o", "no/such/folder/a.zip", cwd=tmp_path)
    assert answer.returncode == 1 and "no/such/folder" in answer.stderr
    answer = gateway.cli("download", uuid, "--asset", "nothing.tif", cwd=tmp_path)
    assert answer.returncode == 1 and "nothing.tif" in answer.stderr
    assert not (tmp_path / f"{uuid}-nothing.tif.part").exists()


# The demo


def children_of(folder):
    """Processes whose command line names the demo's folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if str(folder).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def test_the_demo(tmp_path):
    answer = command("demo", "--keep", environment={"TMPDIR": str(tmp_path)}, timeout=120)
    assert answer.returncode == 0, answer
    assert answer.stdout.count("completed; its all.zip") == 2 and answer.stdout.count("why (scaleodm tasks show") == 2
    assert "node-a" in answer.stdout and "node-b" in answer.stdout and "shortest predicted wait" in answer.stdout
    assert len([line for line in answer.stdout.splitlines()[-5:] if re.match(r"  [1-5]\. ", line)]) == 5
    assert children_of(tmp_path) == []
    (folder,) = tmp_path.iterdir()
    pictures = sorted(folder.glob("images-*/*.JPG"))
    assert len(pictures) == 24 and len({path.read_bytes() for path in pictures}) == 24
    places = set()
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert picture.size == (1024, 768) and picture.getextrema() == (0, 255)
        position = piexif.load(str(path))["GPS"]
        places.add((position[piexif.GPSIFD.GPSLatitude], position[piexif.GPSIFD.GPSLongitude]))
    assert len(places) > 12, "real pictures, at places of their own"
    for number in (1, 2):
        with zipfile.ZipFile(folder / f"results-{number}" / "all.zip") as archive:
            assert archive.testzip() is None


def test_the_demo_stops_all_it_started_on_control_c(tmp_path):
    with on_terminal("demo", environment={"TMPDIR": str(tmp_path)}) as terminal:
        terminal.wait_for(r"Task 1 \[")
        assert len(children_of(tmp_path)) == 3
        terminal.press("\x03")
        assert terminal.wait() == 1
    assert children_of(tmp_path) == [] and list(tmp_path.iterdir()) == []


def test_the_demo_that_stays_shows_tasks_on_its_dashboard(tmp_path):
    with on_terminal("demo", "--stay", environment={"TMPDIR": str(tmp_path)}) as terminal:
        admin, token = terminal.wait_for(r"see why at (http://[^ ]*)/ \(token ([0-9a-f]+)\)").groups()
        page = requests.get(admin + "/", timeout=10)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
        assert requests.get(admin + "/api/tasks", timeout=10).status_code == 401
        headers = {"Authorization": f"Bearer {token}"}

        def states():
            tasks = requests.get(admin + "/api/tasks", headers=headers, timeout=10).json()["tasks"]
            return {task["state"] for task in tasks}

        eventually("some run and some wait", lambda: states() >= {"placed", "queued"})
        terminal.press("\x03")
        assert terminal.wait() == 0
    assert children_of(tmp_path) == [] and list(tmp_path.iterdir()) == []


def test_the_demo_without_the_simulator_says_what_to_do(tmp_path):
    alone = tmp_path / "scaleodm"
    os.link(scaleodm(), alone) if os.stat(scaleodm()).st_dev == os.stat(tmp_path).st_dev else alone.write_bytes(
        pathlib.Path(scaleodm()).read_bytes())
    alone.chmod(0o755)
    answer = subprocess.run([alone, "demo"], capture_output=True, text=True, timeout=30)
    assert answer.returncode == 1 and "NodeODMSimulator" in answer.stderr and "make build" in answer.stderr

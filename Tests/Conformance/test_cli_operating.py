"""The operator's commands to a running gateway: what they print, change and exit with, piped and on a terminal."""

import json
import re

import pytest

from harness.api import CANCELED, COMPLETED
from harness.gateway import command
from harness.programs import Program, binary
from harness.terminal import Terminal
from harness.waiting import eventually

NOBODY = "11111111-2222-4333-8444-555555555555"
VERBS = ["tasks output", "tasks cancel", "tasks retry", "tasks move", "tasks remove", "backends rank"]


def done(answer):
    assert answer.returncode == 0 and answer.stderr == "", answer
    return answer.stdout


def failed(answer, *words, verb):
    assert answer.returncode == 1 and answer.stderr.startswith(f"scaleodm {verb}: "), answer
    for word in words:
        assert word in answer.stderr, answer
    return answer


def state(gateway, uuid):
    return json.loads(done(gateway.cli("tasks", "show", uuid, "--json")))


def running(gateway, photos, **more):
    uuid = gateway.api.submit(photos[:2], **more)
    return uuid, eventually("it runs", lambda: (task := state(gateway, uuid))["state"] == "placed" and task["backend"])


def online(gateway):
    eventually("all are online", lambda: all(each["online"] for each in gateway.backends()))


@pytest.fixture
def two(world):
    nodes = {name: world.node(name, max_parallel=1, task_seconds=3600) for name in ("alpha", "beta")}
    gateway = world.gateway(nodes.values())
    online(gateway)
    return gateway, nodes


@pytest.fixture
def on_terminal(request):
    """A command of this gateway on a terminal."""

    def start(gateway, *words, environment=None):
        terminal = Terminal([binary("scaleodm", "SCALEODM_GATEWAY"), *words], columns=200,
                            environment={"SCALEODM_ADMIN": gateway.admin_url, **(environment or {})})
        request.addfinalizer(terminal.close)
        return terminal

    return start


# One table of verbs.


@pytest.mark.parametrize("verb", VERBS)
def test_help_completions_and_the_manual_know_every_verb(verb):
    first, second = verb.split()
    own = done(command(first, second, "--help"))
    assert f"scaleodm {verb}" in own and "--json" in own and "--admin" in own
    assert verb in done(command("--help"))
    manual = done(command("man")).replace("\\-", "-")
    assert f'"{verb}"' in manual
    for shell in ("bash", "zsh", "fish"):
        assert second in done(command("completions", shell))


@pytest.mark.parametrize("words", [
    ["tasks", "output"], ["tasks", "cancel"], ["tasks", "move"], ["tasks", "remove"], ["tasks", "retry", "x", "--nonsense"],
    ["backends", "rank", "extra"], ["tasks", "move", "x", "--to"],
], ids=" ".join)
def test_wrong_usage_exits_with_2(words):
    answer = command(*words)
    assert answer.returncode == 2 and "Usage" in answer.stderr, answer


# Changes.


def test_move_cancel_retry_and_remove(two, photos):
    gateway, nodes = two
    uuid, name = running(gateway, photos)
    other = "beta" if name == "alpha" else "alpha"
    assert done(gateway.cli("tasks", "move", uuid, "--to", other)).startswith(f"{uuid} moves: ")
    eventually("it runs there", lambda: (task := state(gateway, uuid))["state"] == "placed" and task["backend"] == other)
    failed(gateway.cli("tasks", "move", uuid, "--to", other), uuid, "already", verb="tasks move")
    assert done(gateway.cli("tasks", "cancel", uuid)) == f"{uuid} is cancelled\n"
    gateway.api.wait(uuid, CANCELED)
    for node in nodes.values():
        node.set(taskSeconds=0.1)
    answer = json.loads(done(gateway.cli("tasks", "retry", uuid, "--json")))
    assert answer["task"]["uuid"] == uuid
    gateway.api.wait(uuid, COMPLETED)
    failed(gateway.cli("tasks", "retry", uuid), uuid, "completed", verb="tasks retry")
    failed(gateway.cli("tasks", "remove", uuid), "--yes", verb="tasks remove")
    assert done(gateway.cli("tasks", "remove", uuid, "--yes")) == f"{uuid} is removed\n"
    failed(gateway.cli("tasks", "show", uuid), uuid, "scaleodm tasks", verb="tasks show")


def test_one_that_can_not_be_changed_does_not_hold_up_the_others(two, photos):
    gateway, _ = two
    first, _ = running(gateway, photos)
    second, _ = running(gateway, photos)
    answer = gateway.cli("tasks", "cancel", first, NOBODY, second)
    assert answer.returncode == 1
    assert answer.stdout == f"{first} is cancelled\n{second} is cancelled\n"
    assert NOBODY in answer.stderr and first not in answer.stderr
    for uuid in (first, second):
        gateway.api.wait(uuid, CANCELED)


def test_a_gateway_that_is_not_there_is_told_with_the_fix():
    for words in (["tasks", "output", NOBODY], ["tasks", "cancel", NOBODY], ["backends", "rank"]):
        answer = command(*words, environment={"SCALEODM_ADMIN": "http://127.0.0.1:9"})
        failed(answer, "127.0.0.1:9", "--admin URL", verb=" ".join(words[:2]))
        assert answer.stdout == ""


def test_a_token_is_wanted_and_taken(world):
    gateway = world.gateway([world.node()], {"admin": {"token": "open-sesame"}})
    failed(gateway.cli("tasks", "cancel", NOBODY), "token", verb="tasks cancel")
    failed(gateway.cli("tasks", "cancel", NOBODY, "--token", "open-sesame"), NOBODY, "No such task", verb="tasks cancel")
    failed(gateway.cli("tasks", "output", NOBODY, "--token", "open-sesame"), NOBODY, "scaleodm tasks", verb="tasks output")


# The console.


def test_output(world, photos):
    gateway = world.gateway([world.node(task_seconds=0.5, output_lines=300)])
    uuid = gateway.api.submit(photos[:2])
    gateway.api.wait(uuid, COMPLETED)
    lines = eventually("all lines are there", lambda: len(found := gateway.api.output(uuid)) >= 300 and found)
    assert done(gateway.cli("tasks", "output", uuid)).splitlines() == lines
    assert done(gateway.cli("tasks", "output", uuid, "-n", "5")).splitlines() == lines[-5:]
    assert done(gateway.cli("tasks", "output", uuid, "--follow", "--lines=2")).splitlines() == lines[-2:]
    parts = [json.loads(line) for line in done(gateway.cli("tasks", "output", uuid, "--json")).splitlines()]
    assert [line for part in parts for line in part["lines"]] == lines and parts[-1]["next"] == len(lines)
    assert gateway.cli("tasks", "output", uuid, "-n", "some").returncode == 1


def test_output_is_followed_to_the_end(world, photos):
    node = world.node(hold=True, task_seconds=0.2, output_lines=60)
    gateway = world.gateway([node])
    uuid, _ = running(gateway, photos)
    follower = Program("follower", [binary("scaleodm", "SCALEODM_GATEWAY"), "tasks", "output", uuid, "-f",
                                    "--admin", gateway.admin_url])
    follower.wait_for_line(re.escape(gateway.api.output(uuid)[0]))
    node.set(hold=False)
    follower._expected_to_end = True
    assert follower.process.wait(60) == 0
    follower.stop()
    wanted = gateway.api.output(uuid)
    assert [line for line in follower.lines if line in wanted] == wanted, "each line once, in its order"


# Tables.


def test_lists_are_filtered(two, photos):
    gateway, _ = two
    first, name = running(gateway, photos, name="field one")
    second, other = running(gateway, photos, name="field two")
    for flags, found in [(("--backend", name), {first}), (("--search", "two"), {second}), (("--owner", ""), {first, second}),
                         (("--owner", "nobody"), set()), (("--state", "placed"), {first, second})]:
        listed = json.loads(done(gateway.cli("tasks", "--json", *flags)))
        assert {task["uuid"] for task in listed} == found, flags
    assert done(gateway.cli("tasks", "--state", "failed")) == "No task.\n"


def test_rank(two, photos):
    gateway, nodes = two
    shown = done(gateway.cli("backends", "rank", "--images", "800", "--option", "dsm=true"))
    assert re.search(r"^1 +(alpha|beta) +nodeodm +0 +0 s +\S+: shortest predicted wait of 2", shown, re.M), shown
    assert re.search(r"^It would go to (alpha|beta) now\.$", shown, re.M)
    answer = json.loads(done(gateway.cli("backends", "rank", "--label", "gpu=true", "--json")))
    assert answer["chosen"] is None and {each["reason"] for each in answer["candidates"]} == {"lacks the label gpu=true"}
    failed(gateway.cli("backends", "rank", "--images", "-1"), "--images", verb="backends rank")
    failed(gateway.cli("backends", "rank", "--option", "feature-quality=best"), "feature-quality", verb="backends rank")
    failed(gateway.cli("backends", "rank", "--label", "gpu"), "KEY=VALUE", verb="backends rank")


def test_colours_and_bars_are_for_terminals(two, photos, on_terminal):
    gateway, _ = two
    uuid, name = running(gateway, photos)
    eventually("it counts there", lambda: next(
        each["unfinished"] for each in gateway.backends() if each["name"] == name) == 1)
    piped = done(gateway.cli("tasks")) + done(gateway.cli("backends"))
    assert "\x1b" not in piped and "##" not in piped and ".........." not in piped
    terminal = on_terminal(gateway, "backends")
    terminal.wait_for(r"\x1b\[32monline\x1b\[0m")
    terminal.wait_for(r"########## 1 of 1")
    assert terminal.wait() == 0
    terminal = on_terminal(gateway, "tasks")
    terminal.wait_for(rf"[#.]{{10}} \d+ %.*{uuid}")
    assert terminal.wait() == 0
    plain = on_terminal(gateway, "backends", environment={"NO_COLOR": "1"})
    assert plain.wait() == 0 and "\x1b" not in plain.text and "online" in plain.text


def test_tables_are_watched_until_control_c(two, photos, on_terminal):
    gateway, nodes = two
    uuid, _ = running(gateway, photos)
    terminal = on_terminal(gateway, "tasks", "--watch")
    terminal.wait_for(rf"placed.*{uuid}")
    gateway.api.act("cancel", uuid)
    terminal.wait_for(rf"canceled.*{uuid}")
    terminal.press("\x03")
    assert terminal.wait() == 0
    terminal = on_terminal(gateway, "backends", "alpha", "--watch")
    terminal.wait_for(r"online")
    nodes["alpha"].kill()
    terminal.wait_for(r"offline")
    terminal.press("\x03")
    assert terminal.wait() == 0
    assert "beta" not in terminal.text


def test_removing_asks_on_a_terminal(two, photos, on_terminal):
    gateway, _ = two
    uuid, _ = running(gateway, photos)
    for key, code in (("n\n", 1), ("y\n", 0)):
        terminal = on_terminal(gateway, "tasks", "remove", uuid)
        terminal.wait_for(r"Remove the task .*\[y/N\]")
        terminal.press(key)
        assert terminal.wait() == code, terminal.text
    assert gateway.api.task(uuid) == {"error": f"{uuid} not found"}

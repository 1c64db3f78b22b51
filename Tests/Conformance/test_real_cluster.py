"""Tests/Conformance/real-cluster, tried on a simulated cluster: it passes where all is well, and says what isn't."""

import os
import re
import signal
import subprocess
import sys

import pytest

from harness.gateway import yaml
from harness.programs import ROOT, Program
from harness.waiting import eventually

pytestmark = [pytest.mark.only("gateway"), pytest.mark.timeout(500)]

FOLDER = ROOT / "Tests" / "Conformance" / "real-cluster"


def tried(inventory, *flags, **environment):
    return subprocess.run([sys.executable, FOLDER / "try_cluster.py", "-c", inventory, "--minutes", "2", *flags],
                          env={**os.environ, **environment}, capture_output=True, text=True, timeout=400,
                          stdin=subprocess.DEVNULL)


def verdicts(answer):
    return dict(reversed(pair) for pair in re.findall(r"(?m)^  (pass|FAIL|skip)  ([a-z ]+)", answer.stdout))


@pytest.fixture
def owner(world):
    """A cluster that runs its pods, a bucket with things of others in it, and the inventory of their owner."""

    def make(api="argo-server", secret=None):
        store = world.s3(buckets=("imagery",))
        store.put("s3://imagery/", [("somebody's.jpg", b"1"), ("scaleodm/precious", b"2")])
        cluster = world.argo("fra", s3=store, execute=True, secrets=secret and {"scaleodm-s3": secret})
        backend = {**cluster.backend(api), "token_file": "fra-token"}
        settings = {**store.settings(bucket="imagery"), "access_key_id": "${STORE_ID}", "secret_access_key": "${STORE_KEY:-none}"}
        inventory = world.folder / "gateway.yaml"
        # A file beside the inventory, and a backend that is no cluster.
        (world.folder / "fra-token").write_text(cluster.token)
        inventory.write_text(yaml({"storage": {"s3": settings}, "backends": [
            backend, {"name": "old", "url": "http://127.0.0.1:9"}]}), encoding="utf-8")
        return store, cluster, inventory, {"STORE_ID": store.access_key, "STORE_KEY": store.secret_key,
                                           "TMPDIR": str(world.folder)}

    return make


def nothing_is_left(world, store, cluster):
    assert set(store.files("s3://imagery/")) == {"somebody's.jpg", "scaleodm/precious"}
    assert not list(world.folder.glob("scaleodm-real-cluster-*"))
    assert cluster.workflows() == []


@pytest.mark.parametrize("api", ["argo-server", "kubernetes"])
def test_all_passes_where_all_is_well_and_nothing_is_left(world, owner, api):
    store, cluster, inventory, environment = owner(api)
    answer = tried(inventory, **environment)
    assert answer.returncode == 0 and answer.stdout.endswith("All passed.\n"), answer.stdout + answer.stderr
    told = verdicts(answer)
    assert set(told.values()) == {"pass"} and len(told) == 9, told
    # What the README promises is what is done.
    promised = re.findall(r"(?m)^\| ([a-z ]+) \| ", (FOLDER / "README.md").read_text(encoding="utf-8").partition("| check |")[2])
    assert list(told) == promised
    nothing_is_left(world, store, cluster)


def test_keys_that_the_pods_are_refused_with_are_told(world, owner):
    store, cluster, inventory, environment = owner(secret={"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "wrong"})
    answer = tried(inventory, "--only", "upload", "--only", "restart", "--only", "refusals", **environment)
    assert answer.returncode == 1 and answer.stdout.endswith("1 failed.\n"), answer.stdout + answer.stderr
    assert verdicts(answer) == {"upload": "FAIL", "restart": "skip", "refusals": "pass"}
    assert "output place" in answer.stdout, answer.stdout
    nothing_is_left(world, store, cluster)


def test_it_removes_what_it_made_when_it_is_stopped(world, owner):
    store, cluster, inventory, environment = owner()
    program = Program("try-cluster", [sys.executable, FOLDER / "try_cluster.py", "-c", inventory, "--only", "upload"],
                      environment=environment)
    try:
        eventually("a pod runs", lambda: cluster.effects("podStarted"), 60)
        program.signal(signal.SIGINT)
        assert program.process.wait(120) == 1
    finally:
        program.kill()
    assert program.lines[-1] == "Stopped; what was made has been removed.", program.tail()
    nothing_is_left(world, store, cluster)


@pytest.mark.parametrize("text, words", [
    ("backends: []\n", "no storage.s3"), ("nothing: here\n", "no list of backends"),
    ("storage: {s3: {bucket: b}}\nbackends: [{name: a, url: 'http://127.0.0.1:9'}]\n", "no backend of kind argo")])
def test_an_inventory_that_can_t_be_used(tmp_path, text, words):
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    answer = tried(file)
    assert answer.returncode == 2 and words in answer.stderr and "Traceback" not in answer.stderr

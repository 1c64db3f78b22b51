"""Kind `argo` at its limits: clusters that are away, hang or refuse us, a thousand workflows, and what no record knows."""

import json
import time

import pytest

from harness.api import CANCELED, COMPLETED, FAILED, QUEUED, RUNNING
from harness.federation import Polling
from harness.gateway import command, yaml
from harness.images import jpeg
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

OWN = "s3://data/scaleodm/"
FLIGHT = "s3://mybucket/drone-images/"


def pictures(count, first=1):
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(first, first + count)]


def settings(s3, **more):
    return {"storage": {"s3": s3.settings()}, **more}


def workflow_of(uuid, attempt=1):
    name = uuid.lower() if uuid.startswith("odm-pipeline-") else f"odm-pipeline-{uuid.lower()}"
    return name if attempt == 1 else f"{name}-r{attempt}"


def shown(gateway, cluster):
    return next(backend for backend in gateway.backends() if backend["name"] == cluster.name)


# Away.


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_a_cluster_that_is_away_for_ten_seconds_delays_nobody(world, mode):
    """One that accepts and never answers is noticed as well as one that refuses; what it was being sent goes on when it is back."""
    s3 = world.s3()
    clusters = away, other = [world.argo(s3=s3, run_seconds=4, parallelism=20) for _ in range(2)]
    gateway = world.gateway(clusters, settings(s3))
    api = gateway.api
    uuids = [api.submit(pictures(1)) for _ in range(6)]
    for uuid in uuids:
        eventually("it is placed", lambda: any(c.runs(workflow_of(uuid)) for c in clusters))
    away.partition(mode)
    cut, slowest = time.monotonic(), 0.0
    with Polling(api, uuids) as polling:
        # Some of these are sent to where nobody answers.
        uuids += [api.submit(pictures(1)) for _ in range(2)]
        eventually("it is noticed", lambda: not shown(gateway, away)["online"])
        later = [api.submit(pictures(1)) for _ in range(6)]
        eventually("new tasks go to the other cluster", lambda: all(other.runs(workflow_of(uuid)) for uuid in later))
        uuids += later
        while time.monotonic() - cut < 10:
            for uuid in uuids:
                begin = time.monotonic()
                assert api.get(f"/task/{uuid}/info").status_code == 200
                slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.1)
        away.partition("")
        for uuid in uuids:
            assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    assert not polling.wrong, polling.wrong[:3]
    assert slowest < 1, "within which each poll has to be answered"
    created = [*away.runs().values(), *other.runs().values()]
    assert len(created) == len(uuids) and set(created) == {1}


def test_a_token_that_expires_half_way(world):
    s3 = world.s3()
    cluster = world.argo(s3=s3)
    mine = cluster.folder / "mine"
    mine.write_text(cluster.token_file.read_text())
    gateway = world.gateway([cluster.backend(token_file=str(mine))], settings(s3))
    api = gateway.api
    cluster.script(name="odm-*", times=1, pods=[{"seconds": 2}])
    running = api.submit(pictures(1))
    eventually("it runs", lambda: cluster.pods(workflow_of(running)))
    api.wait(running, RUNNING)
    cluster.token_file.write_text("the next one\n")
    eventually("it is noticed", lambda: not shown(gateway, cluster)["online"])
    assert "token" in shown(gateway, cluster)["lastError"], shown(gateway, cluster)
    waiting = api.submit(pictures(1))
    eventually("its run has ended", lambda: cluster.effects("endedSucceeded").get(workflow_of(running)))
    assert api.code(running) == RUNNING and api.code(waiting) in (QUEUED, RUNNING), "nothing is lost, and nothing invented"
    mine.write_text("the next one\n")
    for uuid in (running, waiting):
        assert api.wait(uuid)["status"]["code"] == COMPLETED
        assert cluster.runs(workflow_of(uuid)) == 1


# Many.


@pytest.mark.timeout(900)
def test_a_thousand_workflows_cost_one_list_and_one_watch(world):
    """Of a gateway that was just started: loads and all statuses, and one that changes."""
    s3 = world.s3(buckets=("data", "mybucket"))
    # They wait for their pods: consoles, which are read one by one, aren't what is counted here.
    cluster = world.argo(s3=s3, parallelism=1000, pending_seconds=3600)
    gateway = world.gateway([cluster.backend(max_parallel_tasks=1000)], settings(s3))
    s3.put(FLIGHT, pictures(1))
    uuids = [gateway.api.new(zipurl=FLIGHT)["uuid"] for _ in range(1000)]
    eventually("all are there", lambda: len(cluster.runs()) == 1000, 600)
    gateway.kill()
    begin = len(cluster.journal()["requests"])
    started = time.monotonic()
    gateway.start()
    eventually("it knows all of them", lambda: shown(gateway, cluster)["unfinished"] == 1000, 300)
    running = set(uuids)

    def each_waits():
        running.difference_update([uuid for uuid in running if gateway.api.code(uuid) == QUEUED])
        return not running

    eventually("it knows that each waits for its pod", each_waits, 300)
    gateway.api.act("cancel", uuids[500])
    eventually("it was ended", lambda: cluster.workflow(uuids[500])["spec"].get("shutdown") == "Terminate")
    eventually("its slot is free", lambda: shown(gateway, cluster)["unfinished"] == 999, 60)
    assert gateway.api.wait(uuids[500])["status"]["code"] == CANCELED
    asked = cluster.journal()["requests"][begin:]
    seconds = time.monotonic() - started
    workflows = [r for r in asked if r["method"] == "GET" and "/workflow" in r["path"]]
    single = [r["path"] for r in workflows if "/odm-pipeline-" in r["path"] and uuids[500] not in r["path"]]
    assert single == []
    watches = [r for r in workflows if "workflow-events" in r["path"]]
    # A list of a thousand is four pages and the empty one behind them, and it is made anew each half minute below the watch.
    pages = len(workflows) - len(watches) - len([r for r in workflows if uuids[500] in r["path"]])
    assert 1 <= len(watches) <= 2, watches
    assert pages <= 5 * (2 + int(seconds / 30)) + 1, (pages, seconds)


# What no record knows.


@pytest.mark.parametrize("api", ["argo-server", "kubernetes"])
@pytest.mark.parametrize("collects", [False, True])
def test_workflows_of_ours_that_no_record_knows(world, api, collects):
    s3 = world.s3()
    cluster = world.argo(s3=s3)
    gateway = world.gateway([cluster.backend(api, collect_orphans=collects)], settings(s3))
    uuid = gateway.api.submit(pictures(1))
    assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
    known = cluster.workflow(workflow_of(uuid))

    def leave(name, **labels):
        manifest = {"apiVersion": known["apiVersion"], "kind": "Workflow", "spec": known["spec"],
                    "metadata": {"name": name, "labels": {**marks, **labels}}}
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{cluster.namespace}/workflows"
        assert cluster.call("POST", path, json=manifest).status_code == 201

    marks = {key: value for key, value in known["metadata"]["labels"].items() if key.startswith("odm-gateway/")}
    cluster.set(clockShift=-7200)
    leave("odm-pipeline-orphan")
    leave("odm-pipeline-foreign", **{"odm-gateway/gateway": "another-installation"})
    cluster.set(clockShift=0)
    leave("odm-pipeline-young")
    gateway.restart_after_kill()
    line = gateway.program.wait_for_line("its record doesn't know").group(0)
    assert line
    if collects:
        eventually("the old one is removed", lambda: cluster.workflow("odm-pipeline-orphan") is None)
    told = next(line for line in gateway.program.lines if "its record doesn't know" in line)
    newest = ["odm-pipeline-young"] if collects else ["odm-pipeline-young", "odm-pipeline-orphan"]
    assert shown(gateway, cluster)["orphans"] == {"count": len(newest), "newest": newest}
    shell = command("backends", cluster.name, "--admin", gateway.admin_url)
    assert f"has {len(newest)} of our runs that no record knows: {', '.join(newest)}" in shell.stdout, shell
    assert "odm-pipeline-young" in told and "foreign" not in told and workflow_of(uuid) not in told, told
    assert ("odm-pipeline-orphan" in told) == (not collects)
    for name in ["odm-pipeline-young", "odm-pipeline-foreign", workflow_of(uuid)]:
        assert cluster.workflow(name) is not None, name
    assert (cluster.workflow("odm-pipeline-orphan") is None) == collects
    assert gateway.api.task(uuid)["status"]["code"] == COMPLETED


# Templates of an operator's own.


TEMPLATE = {
    "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
    "metadata": {"generateName": "mine-", "labels": {"team": "survey"}},
    "spec": {"entrypoint": "all", "nodeSelector": {"team": "survey"}, "templates": [
        {"name": "all", "containerSet": {
            "volumeMounts": [{"name": "work", "mountPath": "/work"}],
            "containers": [
                {"name": "download", "image": "registry.example.org/tools:2", "command": ["fetch"]},
                {"name": "audit", "image": "registry.example.org/audit:1", "command": ["note"], "dependencies": ["download"]},
                {"name": "process", "image": "registry.example.org/odm:9", "command": ["run"], "dependencies": ["audit"],
                 "resources": {"limits": {"memory": "3Gi"}}},
                {"name": "upload", "image": "registry.example.org/tools:2", "command": ["store"], "dependencies": ["process"]}]}}],
        "volumes": [{"name": "work", "emptyDir": {}}]},
}


def test_a_template_of_the_operator_s_own(world):
    """Its containers stay his; the gateway puts in what makes the workflow its own, and the task into three of them alone."""
    s3 = world.s3()
    cluster = world.argo(s3=s3)
    file = cluster.folder / "template.yaml"
    file.write_text(yaml(TEMPLATE), encoding="utf-8")
    gateway = world.gateway([cluster.backend(workflow={"template_file": str(file)})], settings(s3))
    uuid = gateway.api.submit(pictures(2))
    assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
    made = cluster.workflow(workflow_of(uuid))
    labels, spec = made["metadata"]["labels"], made["spec"]
    assert labels["team"] == "survey" and labels["odm-gateway/task"] == uuid and labels["odm-gateway/attempt"] == "1"
    assert "odm-gateway/spec-sha256" in made["metadata"]["annotations"] and "generateName" not in made["metadata"]
    assert spec["activeDeadlineSeconds"] == 172800 and spec["ttlStrategy"]["secondsAfterSuccess"] == 86400
    assert spec["entrypoint"] == "all" and spec["nodeSelector"] == {"team": "survey"}
    containers = {c["name"]: c for c in spec["templates"][0]["containerSet"]["containers"]}
    assert containers["process"]["image"] == "registry.example.org/odm:9" and containers["process"]["command"] == ["run"]
    for name, container in containers.items():
        names = {variable["name"] for variable in container.get("env", [])}
        assert ("GW_TASK_B64" in names) == (name != "audit"), name
        assert ("AWS_SECRET_ACCESS_KEY" in json.dumps(container.get("env", []))) == (name != "audit"), name
    assert containers["process"]["resources"] == {"limits": {"memory": "3Gi"}}, "resources only where there are none"
    # Its `upload` has to leave the marker.
    cluster.script(name="odm-*", times=1, pods=[{"results": False}])
    uuid = gateway.api.submit(pictures(2))
    failed = gateway.api.wait(uuid, seconds=120)
    assert failed["status"]["code"] == FAILED and "results are missing" in failed["status"]["errorMessage"]

"""Logs: what a client may ask for, and how they vanish."""

from __future__ import annotations

import re

import pytest
from argo_simulator.logs import LogOptions, LogStore
from client import node
from manifests import pipeline
from simulator_kit.clock import Clock
from simulator_kit.testing import eventually

LINES = ["first", "second error", "third"]


@pytest.fixture
def printed(cluster, name):
    """The name of a finished workflow that printed LINES."""
    cluster.process.sim("script", name=name, pods=[{"lines": LINES}])
    cluster.submit(pipeline(name, podGC=None))
    cluster.wait(name, "Succeeded")
    return name


def own(lines):
    """Without the executor's own lines."""
    return [line for line in lines if "argo=true" not in line]


def pod_of(name):
    from argo_simulator.nodes import pod_name

    return pod_name(name, f"{name}(0)", "main")


def test_the_lines_of_a_container_come_with_the_executors_own(cluster, printed):
    lines = cluster.log(printed)
    assert own(lines) == LINES and lines[0].endswith("argo=true")


def test_timestamps_are_rfc3339_with_nanoseconds(cluster, printed):
    for line in cluster.log(printed, **{"logOptions.timestamps": "true"}):
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z ", line)


def test_tail_since_grep_and_limits_shorten_it(cluster, printed):
    assert own(cluster.log(printed, **{"logOptions.tailLines": 1})) == ["third"]
    assert own(cluster.log(printed, grep="err")) == ["second error"]
    assert cluster.log(printed, **{"logOptions.sinceTime.seconds": 4_000_000_000}) == []
    assert own(cluster.log(printed, **{"logOptions.sinceSeconds": 3600})) == LINES
    assert sum(len(line) + 1 for line in cluster.log(printed, **{"logOptions.limitBytes": 80})) <= 80


def test_an_unknown_container_or_pod_is_an_empty_stream(cluster, printed):
    assert cluster.log(printed, **{"logOptions.container": "absent"}) == []
    assert cluster.log(printed, podName="absent") == []


def test_a_nodes_id_is_not_its_pods_name(cluster, printed):
    workflow = cluster.get(printed)
    assert cluster.log(printed, podName=node(workflow, f"{printed}(0)")["id"]) == []
    assert own(cluster.log(printed, podName=pod_of(printed))) == LINES


def test_without_any_log_option_the_server_falls_over(cluster, printed):
    assert cluster.call("GET", f"/api/v1/workflows/odm/{printed}/log").status_code == 500


def test_the_log_of_no_workflow_is_404(cluster):
    assert cluster.call("GET", "/api/v1/workflows/odm/absent/log", params={"logOptions.container": "main"}).status_code == 404


def test_a_follower_gets_lines_as_they_come_and_ends_with_the_workflow(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"lines": ["begun"], "outcome": "hold"}])
    cluster.submit(pipeline(name))
    eventually("it prints", lambda: own(cluster.log(name)) == ["begun"])
    stream = cluster.messages(f"/api/v1/workflows/odm/{name}/log",
                              {"logOptions.container": "process", "logOptions.follow": "true"})
    seen = [next(stream)["result"]["content"] for _ in range(2)]
    cluster.process.sim("log", pod=pod_of(name), container="process", lines=["later"])
    seen.append(next(stream)["result"]["content"])
    cluster.call("PUT", f"/api/v1/workflows/odm/{name}/terminate", json={})
    assert own([*seen, *(message["result"]["content"] for message in stream)]) == ["begun", "later"]


def test_a_follower_meets_the_pod_of_a_retry(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"lines": ["one"], "outcome": "deleted"}, {"lines": ["two"]}])
    cluster.submit(pipeline(name))
    lines = cluster.log(name, **{"logOptions.follow": "true"})
    assert own(lines) == ["one", "two"]


def test_rotation_drops_the_oldest_lines(clusters):
    cluster = clusters.start()
    cluster.process.sim("set", rotateBytes=1000)
    cluster.process.sim("script", pods=[{"lines": [f"line {n:04}" for n in range(300)]}])
    cluster.submit(pipeline("long", podGC=None))
    cluster.wait("long", "Succeeded")
    lines = own(cluster.log("long"))
    assert lines[-1] == "line 0299" and lines[0] != "line 0000" and len(lines) < 120


def test_after_pod_gc_the_stream_is_empty_and_the_archived_log_remains(clusters):
    cluster = clusters.start()
    cluster.process.sim("script", pods=[{"lines": LINES}])
    cluster.submit(pipeline("archived", archiveLogs=True, podGC={"strategy": "OnWorkflowCompletion"}))
    workflow = cluster.wait("archived", "Succeeded")
    pod = node(workflow, "archived(0)")["id"]
    eventually("the pods are collected", lambda: cluster.log("archived") == [])
    for path in (f"/artifact-files/odm/workflows/archived/{pod}/outputs/process-logs",
                 f"/artifacts/odm/archived/{pod}/process-logs"):
        assert own(cluster.call("GET", path).text.splitlines()) == LINES
    missing = cluster.call("GET", f"/artifact-files/odm/workflows/archived/{pod}/outputs/other-logs")
    assert missing.status_code == 404 and not missing.headers["Content-Type"].startswith("application/json")
    assert cluster.call("GET", "/api/v1/namespaces/odm/pods").json()["items"] == []


def test_without_archive_logs_nothing_remains(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("bare", podGC={"strategy": "OnPodCompletion"}))
    workflow = cluster.wait("bare", "Succeeded")
    assert "outputs" not in node(workflow, "bare(0)")


def test_a_follower_neither_repeats_nor_waits_for_lines_that_rotation_dropped():
    store = LogStore(Clock())
    store.open("pod", "process")
    reader = store.read("pod", "process", LogOptions(follow=True))
    store.append("pod", "process", "first")
    assert next(reader) == "first"
    store.rotate_bytes = 100
    for number in range(30):
        store.append("pod", "process", f"line {number:02}")
    store.end("pod", "process")
    rest = list(reader)
    assert rest == list(store.read("pod", "process", LogOptions()))
    assert rest[-1] == "line 29" and 1 < len(rest) < 30

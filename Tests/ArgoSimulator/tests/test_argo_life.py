"""A workflow's life, and the nodes that tell it."""

from __future__ import annotations

import pytest
from client import node
from manifests import RETRY, pipeline
from simulator_kit.testing import eventually

PHASE, COMPLETED = "workflows.argoproj.io/phase", "workflows.argoproj.io/completed"


def test_a_new_workflow_has_no_phase_and_no_label_until_the_controller_has_seen_it(clusters):
    cluster = clusters.start("--accept-seconds", 3600)
    stored = cluster.create(pipeline("fresh")).json()
    assert "phase" not in stored["status"] and PHASE not in stored["metadata"]["labels"]
    assert stored["status"] == {"startedAt": None, "finishedAt": None}
    assert stored["metadata"]["uid"] and stored["metadata"]["creationTimestamp"]


def test_phases_come_in_order_and_the_resource_version_grows(cluster, name):
    before = cluster.kube("GET", params={"limit": 1}).json()["metadata"]["resourceVersion"]
    cluster.submit(pipeline(name))
    phases, versions = [], []
    for message in cluster.messages("/api/v1/workflow-events/odm", {"listOptions.resourceVersion": before}):
        workflow = message["result"]["object"]
        if workflow["metadata"]["name"] != name:
            continue
        versions.append(int(workflow["metadata"]["resourceVersion"]))
        phase = workflow["status"].get("phase", "")
        if phase not in phases:
            phases.append(phase)
        if phase == "Succeeded":
            break
    assert phases == ["", "Pending", "Running", "Succeeded"]
    assert versions == sorted(set(versions))
    assert workflow["metadata"]["labels"][COMPLETED] == "true"


def test_over_the_parallelism_a_workflow_waits_with_argos_message(clusters):
    cluster = clusters.start("--parallelism", 1)
    cluster.process.sim("script", name="first", pods=[{"outcome": "hold"}])
    cluster.submit(pipeline("first"))
    cluster.wait("first", "Running")
    cluster.submit(pipeline("second"))
    waiting = cluster.wait("second", "Pending")
    assert waiting["status"]["message"].endswith("too many workflows are already running")
    assert waiting["metadata"]["labels"][COMPLETED] == "false"
    cluster.call("PUT", "/api/v1/workflows/odm/first/terminate", json={})
    assert cluster.wait("second")["status"]["phase"] == "Succeeded"


def test_nodes_are_a_retry_root_a_pod_its_chained_containers_and_the_exit_handler(cluster, name):
    cluster.submit(pipeline(name))
    workflow = cluster.wait(name, "Succeeded")
    root, pod, exit_pod = node(workflow, name), node(workflow, f"{name}(0)"), node(workflow, f"{name}.onExit")
    assert (root["type"], root["id"], root["children"]) == ("Retry", name, [pod["id"]])
    assert (pod["type"], pod["nodeFlag"], exit_pod["type"]) == ("Pod", {"retried": True}, "Pod")
    assert exit_pod["nodeFlag"] == {"hooked": True}
    containers = [node(workflow, f"{name}(0).{part}") for part in ("download", "process", "upload")]
    assert all(c["type"] == "Container" and c["boundaryID"] == pod["id"] for c in containers)
    assert pod["children"] == [containers[0]["id"]]
    assert [c.get("children") for c in containers] == [[containers[1]["id"]], [containers[2]["id"]], None]
    assert len(workflow["status"]["nodes"]) == 6


def test_unset_times_are_null(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "hold"}])
    cluster.submit(pipeline(name))
    workflow = cluster.wait(name, "Running")
    assert workflow["status"]["finishedAt"] is None
    assert node(workflow, name)["finishedAt"] is None


def test_the_workflows_progress_counts_container_nodes_and_misleads(cluster, name):
    cluster.submit(pipeline(name))
    workflow = cluster.wait(name, "Succeeded")
    assert node(workflow, f"{name}(0)")["progress"] == "100/100"
    assert workflow["status"]["progress"] == "104/104"


def test_the_pod_node_shows_the_runs_progress(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"seconds": 3}])
    cluster.submit(pipeline(name))
    eventually("progress comes", lambda: 5 < _pod_progress(cluster, name) < 100)


def _pod_progress(cluster, name):
    nodes = cluster.get(name)["status"].get("nodes") or {}
    return max([int(n["progress"].split("/")[0]) for n in nodes.values() if n["name"] == f"{name}(0)"], default=0)


@pytest.mark.parametrize("outcome, phase, message", [
    ({"outcome": "exit", "exitCode": 3}, "Failed", "process: Error (exit code 3)"),
    ({"outcome": "oom"}, "Failed", "process: OOMKilled (exit code 137)"),
    ({"outcome": "evicted"}, "Failed", "The node was low on resource: ephemeral-storage. Container process was using 91Gi"),
    ({"outcome": "exit", "container": "upload", "exitCode": 5}, "Failed", "upload: Error (exit code 5)"),
])
def test_a_failure_that_is_not_retried_leaves_its_cause_only_on_the_pods_node(cluster, name, outcome, phase, message):
    cluster.process.sim("script", name=name, pods=[outcome])
    cluster.submit(pipeline(name))
    workflow = cluster.wait(name)
    assert workflow["status"]["phase"] == phase
    assert workflow["status"]["message"] == "retryStrategy.expression evaluated to false"
    assert node(workflow, f"{name}(0)")["message"] == message
    assert "exitCode" not in (node(workflow, f"{name}(0)").get("outputs") or {})
    assert cluster.process.effects("podStarted")[name] == 2  # the pod and the exit handler


@pytest.mark.parametrize("outcome", ["nodeShutdown", "deleted"])
def test_what_infrastructure_broke_is_tried_again_in_a_new_pod(cluster, name, outcome):
    cluster.process.sim("script", name=name, pods=[{"outcome": outcome}, {}])
    cluster.submit(pipeline(name))
    workflow = cluster.wait(name, "Succeeded")
    assert node(workflow, f"{name}(0)")["phase"] == ("Error" if outcome == "deleted" else "Failed")
    assert node(workflow, f"{name}(1)")["phase"] == "Succeeded"


def test_retries_end_at_the_limit(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "deleted"}])
    cluster.submit(pipeline(name))
    workflow = cluster.wait(name)
    assert (workflow["status"]["phase"], workflow["status"]["message"]) == ("Error", "No more retries left")
    assert len(node(workflow, name)["children"]) == 3


def test_a_misspelt_retry_expression_ends_the_workflow_as_error(cluster, name):
    manifest = pipeline(name)
    manifest["spec"]["templates"][0]["retryStrategy"] = {**RETRY, "expression": 'lastRetry.phase == "Error"'}
    cluster.process.sim("script", name=name, pods=[{"outcome": "exit"}])
    cluster.submit(manifest)
    assert cluster.wait(name)["status"]["phase"] == "Error"


@pytest.mark.parametrize("outcome, start", [
    ("imagePull", "ImagePullBackOff"), ("unschedulable", "Unschedulable: 0/3"),
    ("missingSecret", "CreateContainerConfigError"), ("badImageName", "InvalidImageName")])
def test_a_pod_that_cannot_start_stays_pending_with_its_reason_while_the_workflow_is_running(cluster, name, outcome, start):
    cluster.process.sim("script", name=name, pods=[{"outcome": outcome}])
    cluster.submit(pipeline(name))
    cluster.wait(name, "Running")
    pod = eventually("the reason shows", lambda: _with_message(cluster.get(name), f"{name}(0)"))
    assert pod["phase"] == "Pending" and pod["message"].startswith(start)
    assert cluster.phase(name) == "Running"


def _with_message(workflow, name):
    found = [n for n in (workflow["status"].get("nodes") or {}).values() if n["name"] == name and "message" in n]
    return found[0] if found else None


def test_memory_limits_decide_who_runs_out_of_memory_and_requests_who_is_scheduled(clusters):
    cluster = clusters.start("--node-memory", "64Gi")
    cluster.process.sim("script", pods=[{"memoryNeeded": "20Gi"}])
    for name, memory in (("small", "16Gi"), ("large", "32Gi"), ("huge", "128Gi")):
        cluster.submit(pipeline(name, memory=memory))
    assert node(cluster.wait("small", "Failed"), "small(0)")["message"] == "process: OOMKilled (exit code 137)"
    cluster.wait("large", "Succeeded")
    assert _with_message(cluster.get("huge"), "huge(0)")["message"].startswith("Unschedulable")


def test_the_deadline_fails_the_pod(clusters):
    cluster = clusters.start("--run-seconds", 3600)
    cluster.submit(pipeline("late", activeDeadlineSeconds=300))
    workflow = cluster.wait("late", "Failed")
    assert "longer than the specified deadline" in node(workflow, "late(0)")["message"]


def test_the_deadline_also_ends_a_pause_between_two_pods(clusters):
    cluster = clusters.start()
    cluster.process.sim("script", pods=[{"outcome": "deleted"}])
    manifest = pipeline("pausing", activeDeadlineSeconds=1000)
    manifest["spec"]["templates"][0]["retryStrategy"] = {**RETRY, "backoff": {"duration": "1h", "maxDuration": "48h"}}
    cluster.submit(manifest)
    eventually("it pauses", lambda: (_with_message(cluster.get("pausing"), "pausing") or {}).get("message"))
    assert cluster.wait("pausing", "Failed")["status"]["message"] == "Max duration limit exceeded"
    assert cluster.process.effects("podStarted")["pausing"] == 2


def test_terminate_ends_a_running_workflow_without_its_exit_handler(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "hold"}])
    cluster.submit(pipeline(name))
    cluster.wait(name, "Running")
    answer = cluster.call("PUT", f"/api/v1/workflows/odm/{name}/terminate", json={})
    assert answer.json()["spec"]["shutdown"] == "Terminate"
    workflow = cluster.wait(name, "Failed")
    assert workflow["status"]["message"] == "Stopped with strategy 'Terminate'"
    assert not any(n["name"].endswith(".onExit") for n in workflow["status"]["nodes"].values())


def test_stop_runs_the_exit_handler(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "hold"}])
    cluster.submit(pipeline(name))
    cluster.wait(name, "Running")
    cluster.call("PUT", f"/api/v1/workflows/odm/{name}/stop", json={})
    workflow = cluster.wait(name, "Failed")
    assert workflow["status"]["message"] == "Stopped with strategy 'Stop'"
    assert node(workflow, f"{name}.onExit")["phase"] == "Succeeded"


def test_only_terminate_reaches_a_workflow_that_waits_for_its_slot(clusters):
    cluster = clusters.start("--parallelism", 0)
    cluster.submit(pipeline("waiting"))
    cluster.wait("waiting", "Pending")
    assert cluster.call("PUT", "/api/v1/workflows/odm/waiting/stop", json={}).status_code == 200
    cluster.call("PUT", "/api/v1/workflows/odm/waiting/terminate", json={})
    assert cluster.wait("waiting", "Failed")["status"]["message"] == "Stopped with strategy 'Terminate'"
    assert cluster.process.effects("podStarted") == {}


def test_a_stop_reaches_a_waiting_workflow_when_it_is_admitted(clusters):
    cluster = clusters.start("--parallelism", 0)
    cluster.submit(pipeline("stopped"))
    cluster.wait("stopped", "Pending")
    cluster.call("PUT", "/api/v1/workflows/odm/stopped/stop", json={})
    cluster.process.sim("set", parallelism=1)
    assert cluster.wait("stopped", "Failed")["status"]["message"] == "Stopped with strategy 'Stop'"


def test_a_stop_before_the_controller_has_seen_the_workflow_is_not_lost(clusters):
    cluster = clusters.start("--accept-seconds", 0.3)
    cluster.submit(pipeline("early"))
    cluster.call("PUT", "/api/v1/workflows/odm/early/stop", json={})
    assert cluster.wait("early", "Failed")["status"]["message"] == "Stopped with strategy 'Stop'"


def test_a_finished_workflow_cannot_be_terminated(cluster, name):
    cluster.submit(pipeline(name))
    cluster.wait(name, "Succeeded")
    answer = cluster.call("PUT", f"/api/v1/workflows/odm/{name}/terminate", json={})
    assert answer.status_code == 500
    assert "cannot shutdown a completed workflow" in answer.json()["message"]


def test_a_suspended_workflow_takes_the_name_and_runs_nothing(cluster, name):
    cluster.submit(pipeline(name, suspend=True))
    cluster.wait(name, "Running")
    assert cluster.create(pipeline(name)).status_code == 409
    assert name not in cluster.process.effects("podStarted")


def test_ttl_collects_a_finished_workflow(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("short", ttlStrategy={"secondsAfterCompletion": 200}))
    eventually("it is collected", lambda: cluster.call("GET", "/api/v1/workflows/odm/short").status_code == 404)
    assert cluster.process.effects("endedSucceeded") == {"short": 1}


def test_delete_is_final_and_a_second_one_is_404(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "hold"}])
    cluster.submit(pipeline(name))
    cluster.wait(name, "Running")
    path = f"/api/v1/workflows/odm/{name}"
    assert cluster.call("DELETE", path).json() == {}
    assert cluster.call("DELETE", path).status_code == 404
    assert cluster.call("GET", path).json()["code"] == 5

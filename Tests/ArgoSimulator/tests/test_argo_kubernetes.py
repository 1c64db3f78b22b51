"""The Kubernetes API over the same store, and where it differs from the Argo Server's."""

from __future__ import annotations

import itertools
import json

import pytest
from manifests import pipeline
from simulator_kit.testing import eventually

KIND = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
MERGE = {"Content-Type": "application/merge-patch+json"}


def held(cluster, name):
    cluster.process.sim("script", name=name, pods=[{"outcome": "hold", "lines": ["begun"]}])
    assert cluster.kube("POST", json={**KIND, **pipeline(name)}).status_code == 201
    cluster.wait(name, "Running")


def test_both_faces_show_the_same_workflow(cluster, name):
    answer = cluster.kube("POST", json={**KIND, **pipeline(name)})
    assert answer.status_code == 201
    assert cluster.get(name)["metadata"]["uid"] == answer.json()["metadata"]["uid"]
    assert cluster.wait(name)["status"] == cluster.kube("GET", name).json()["status"]


def test_errors_are_status_objects_with_a_reason(cluster, name):
    missing = cluster.kube("GET", name)
    assert missing.status_code == 404
    assert {key: missing.json()[key] for key in ("kind", "status", "reason", "code")} == {
        "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
    cluster.kube("POST", json={**KIND, **pipeline(name)})
    taken = cluster.kube("POST", json={**KIND, **pipeline(name)})
    assert (taken.status_code, taken.json()["reason"]) == (409, "AlreadyExists")
    wrong = cluster.kube("POST", json={**KIND, **pipeline("WRONG")})
    assert (wrong.status_code, wrong.json()["reason"]) == (422, "Invalid")


def test_nothing_validates_a_spec_at_create_and_it_ends_as_error(cluster, name):
    assert cluster.kube("POST", json={**KIND, **pipeline(name, entrypoint="absent")}).status_code == 201
    workflow = cluster.wait(name)
    assert workflow["status"]["phase"] == "Error" and "invalid spec" in workflow["status"]["message"]


def test_a_merge_patch_terminates(cluster, name):
    held(cluster, name)
    answer = cluster.kube("PATCH", name, data=json.dumps({"spec": {"shutdown": "Terminate"}}), headers=MERGE)
    assert answer.status_code == 200
    assert cluster.wait(name, "Failed")["status"]["message"] == "Stopped with strategy 'Terminate'"
    again = cluster.kube("PATCH", name, data=json.dumps({"spec": {"shutdown": "Terminate"}}), headers=MERGE)
    assert again.status_code == 200 and cluster.phase(name) == "Failed"
    assert cluster.kube("PATCH", name, json={}).status_code == 415


def test_a_delete_with_another_uid_is_refused(cluster, name):
    held(cluster, name)
    wrong = cluster.kube("DELETE", name, json={"preconditions": {"uid": "other"}})
    assert (wrong.status_code, wrong.json()["reason"]) == (409, "Conflict")
    uid = cluster.get(name)["metadata"]["uid"]
    right = cluster.kube("DELETE", name, json={"propagationPolicy": "Background", "preconditions": {"uid": uid}})
    assert right.json()["status"] == "Success" and cluster.kube("GET", name).status_code == 404


def test_pages_go_by_an_opaque_token_that_expires(clusters):
    cluster = clusters.start()
    for number in range(5):
        cluster.submit(pipeline(f"w{number}"))
    first = cluster.kube("GET", params={"limit": 2}).json()
    token = first["metadata"]["continue"]
    assert not token.isdigit() and first["metadata"]["remainingItemCount"] == 3
    second = cluster.kube("GET", params={"limit": 3, "continue": token}).json()
    assert [w["metadata"]["name"] for w in second["items"]] == ["w2", "w3", "w4"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    cluster.process.sim("compact")
    expired = cluster.kube("GET", params={"limit": 3, "continue": token})
    assert (expired.status_code, expired.json()["reason"]) == (410, "Expired")
    assert cluster.kube("GET", params={"continue": "nonsense"}).status_code == 400


def test_a_list_can_be_of_metadata_only(cluster, name):
    cluster.submit(pipeline(name))
    answer = cluster.kube("GET", headers={"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"})
    assert answer.json()["kind"] == "PartialObjectMetadataList"
    assert all(set(item) == {"kind", "apiVersion", "metadata"} for item in answer.json()["items"])


def watch(cluster, **query):
    with cluster.kube("GET", params={"watch": "1", **query}, stream=True) as answer:
        for line in answer.iter_lines(chunk_size=1):
            yield json.loads(line)


def test_a_watch_sends_events_and_bookmarks_and_just_ends(clusters):
    cluster = clusters.start()
    cluster.process.sim("set", keepAlive=0.05)
    cluster.submit(pipeline("one"))
    cluster.wait("one")
    events = list(watch(cluster, allowWatchBookmarks="true", timeoutSeconds=1))
    kinds = [kind for kind, _ in itertools.groupby(event["type"] for event in events)]
    assert kinds == ["ADDED", "BOOKMARK"]
    assert int(events[-1]["object"]["metadata"]["resourceVersion"]) >= int(events[0]["object"]["metadata"]["resourceVersion"])
    assert all(event["type"] != "BOOKMARK" for event in watch(cluster, timeoutSeconds=1))


def test_an_old_version_is_an_error_event_of_410(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("one"))
    cluster.process.sim("compact")
    event = next(watch(cluster, resourceVersion=1001))
    assert (event["type"], event["object"]["code"], event["object"]["kind"]) == ("ERROR", 410, "Status")


def test_pods_are_found_by_the_workflows_label_and_their_logs_are_plain_text(cluster, name):
    held(cluster, name)
    query = {"labelSelector": f"workflows.argoproj.io/workflow={name}"}
    pods = cluster.call("GET", "/api/v1/namespaces/odm/pods", params=query).json()["items"]
    assert [pod["metadata"]["labels"]["workflows.argoproj.io/workflow"] for pod in pods] == [name]
    path = f"/api/v1/namespaces/odm/pods/{pods[0]['metadata']['name']}/log"
    log = eventually("it prints", lambda: "begun" in (text := cluster.call("GET", path, params={
        "container": "process", "timestamps": "true"}).text) and text)
    assert log.splitlines()[1].endswith("Z begun")
    waiting = cluster.call("GET", path, params={"container": "upload"})
    assert waiting.status_code == 400 and "waiting to start" in waiting.json()["message"]
    assert cluster.call("GET", path, params={"container": "absent"}).status_code == 400
    cluster.process.sim("removePods", name=name)
    assert cluster.call("GET", path, params={"container": "process"}).status_code == 404


def test_the_controllers_parallelism_can_be_read(cluster):
    answer = cluster.call("GET", "/api/v1/namespaces/argo/configmaps/workflow-controller-configmap").json()
    assert answer["data"]["parallelism"] == "100"


def test_probes(cluster):
    assert cluster.call("GET", "/version").json()["gitVersion"].startswith("v1.")
    review = cluster.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json={"spec": {}})
    assert review.status_code == 201 and review.json()["status"]["allowed"] is True
    assert cluster.call("GET", "/apis/nothing/here").json()["reason"] == "NotFound"


@pytest.mark.parametrize("path", ["/api/v1/workflows/odm", "/apis/argoproj.io/v1alpha1/namespaces/odm/workflows"])
def test_the_token_file_is_read_at_each_request(clusters, tmp_path, path):
    file = tmp_path / "token"
    file.write_text("first\n")
    cluster = clusters.start("--token-file", file)

    def status(token):
        return cluster.call("GET", path, headers={"Authorization": token}).status_code

    assert (status("Bearer first"), status("Bearer second"), status("")) == (200, 401, 401)
    file.write_text("second\n")
    assert (status("Bearer first"), status("Bearer second")) == (401, 200)


def test_a_refused_token_is_told_in_each_faces_words(clusters):
    cluster = clusters.start("--token", "good")
    argo = cluster.call("GET", "/api/v1/version")
    assert (argo.status_code, argo.json()["code"]) == (401, 16) and argo.json()["message"].startswith("token not valid")
    assert cluster.kube("GET").json()["reason"] == "Unauthorized"
    sso = cluster.call("GET", "/api/v1/version", headers={"Authorization": "Bearer v2:good"})
    assert sso.status_code == 401


@pytest.mark.parametrize("verb, method, argo, kubernetes", [
    ("get", "GET", "/api/v1/workflows/odm/x", "/x"), ("list", "GET", "/api/v1/workflows/odm", ""),
    ("watch", "GET", "/api/v1/workflow-events/odm", "?watch=1"), ("create", "POST", "/api/v1/workflows/odm", ""),
    ("delete", "DELETE", "/api/v1/workflows/odm/x", "/x"),
])
def test_what_rbac_forbids_is_403_with_the_verb_in_its_text(clusters, verb, method, argo, kubernetes):
    cluster = clusters.start()
    cluster.process.sim("set", forbidden=[verb])
    told = cluster.call(method, argo, json={})
    assert (told.status_code, told.json()["code"]) == (403, 7) and f"cannot {verb} resource" in told.json()["message"]
    path = "/apis/argoproj.io/v1alpha1/namespaces/odm/workflows" + kubernetes
    assert cluster.call(method, path, json={}).json()["reason"] == "Forbidden"
    review = {"spec": {"resourceAttributes": {"verb": verb}}}
    asked = cluster.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review)
    assert asked.json()["status"]["allowed"] is False


def test_where_there_is_no_namespace_nothing_can_be_created_and_lists_are_empty(cluster, name):
    answer = cluster.call("POST", "/api/v1/workflows/elsewhere", json={"workflow": pipeline(name)})
    assert (answer.status_code, answer.json()["message"]) == (404, 'namespaces "elsewhere" not found')
    assert cluster.call("GET", "/api/v1/workflows/elsewhere").json()["items"] is None

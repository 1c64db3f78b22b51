"""Lists: the lag, the pages, the selectors, the `fields`, and the archive."""

from __future__ import annotations

import pytest
from clusters import Clusters
from manifests import pipeline
from simulator_kit.testing import eventually


@pytest.fixture(scope="module")
def farm(_farm_clusters):
    """Three workflows that are done and two that go on for ever."""
    cluster = _farm_clusters
    cluster.process.sim("script", name="*-hold", pods=[{"outcome": "hold"}])
    for name, labels in (("a", {"team": "red"}), ("b", {"team": "blue", "gpu": "yes"}), ("c", {}),
                         ("d-hold", {"team": "red"}), ("e-hold", {"team": "blue"})):
        cluster.submit(pipeline(name, labels))
    for name in "abc":
        cluster.wait(name, "Succeeded")
    for name in ("d-hold", "e-hold"):
        cluster.wait(name, "Running")
    return cluster


@pytest.fixture(scope="module")
def _farm_clusters():
    clusters = Clusters()
    yield clusters.start()
    clusters.stop()


@pytest.mark.parametrize("selector, names", [
    ("team=red", "a d-hold"), ("team==red", "a d-hold"), ("team!=red", "b c e-hold"),
    ("team in (red, blue),gpu", "b"), ("team notin (red)", "b c e-hold"), ("gpu", "b"), ("!team", "c"),
    ("!gpu,team", "a d-hold e-hold"), ("", "a b c d-hold e-hold"), ("workflows.argoproj.io/completed!=true", "d-hold e-hold"),
    ("workflows.argoproj.io/phase=Succeeded,team=blue", "b"),
])
def test_a_selector_takes_what_kubernetes_grammar_says(farm, selector, names):
    assert sorted(farm.names(**{"listOptions_labelSelector": selector})) == names.split()
    answer = farm.kube("GET", params={"labelSelector": selector}).json()
    assert [item["metadata"]["name"] for item in answer["items"]] == names.split()


@pytest.mark.parametrize("selector", ["team=", "a=b=c", "in (x)", "a in x", "=b", "a b"])
def test_what_breaks_the_grammar_is_400(farm, selector):
    if selector == "team=":
        assert farm.names(listOptions_labelSelector=selector) == []
        return
    answer = farm.call("GET", "/api/v1/workflows/odm", params={"listOptions.labelSelector": selector})
    assert answer.status_code == 400


def test_a_full_page_without_continue_may_hide_the_rest(farm):
    answer = farm.list(listOptions_limit=2)
    assert len(answer["items"]) == 2 and "continue" not in answer["metadata"]


def test_continue_is_an_integer_offset_where_it_was_asked_for(farm):
    found, offset = [], ""
    while True:
        answer = farm.list(listOptions_limit=2, listOptions_continue=offset,
                           listOptions_fieldSelector="ext.showRemainingItemCount=true")
        found += [item["metadata"]["name"] for item in answer["items"]]
        if "continue" not in answer["metadata"]:
            break
        offset = answer["metadata"]["continue"]
        assert int(offset) == len(found)
        assert int(answer["metadata"]["remainingItemCount"]) == 5 - len(found)
    assert sorted(found) == ["a", "b", "c", "d-hold", "e-hold"]


def test_an_empty_list_has_null_items(farm):
    assert farm.list(listOptions_labelSelector="team=green")["items"] is None


def test_filters_by_name_and_time(farm):
    def names(**query):
        return sorted(farm.names(**query))

    assert names(listOptions_fieldSelector="metadata.name=a") == ["a"]
    assert names(listOptions_fieldSelector="metadata.name=hold", nameFilter="Contains") == ["d-hold", "e-hold"]
    assert names(listOptions_fieldSelector="metadata.name=d", nameFilter="Prefix") == ["d-hold"]
    assert names(finishedBefore="2100-01-01T00:00:00Z") == ["a", "b", "c"]
    assert names(createdAfter="2100-01-01T00:00:00Z") == []


def test_fields_keep_what_they_name_and_leave_required_fields_empty(farm):
    workflow = farm.get("a", fields="metadata.name,status.phase")
    assert workflow == {"metadata": {"name": "a", "creationTimestamp": None}, "spec": {},
                        "status": {"phase": "Succeeded", "startedAt": None, "finishedAt": None}}
    assert "nodes" not in farm.get("a", fields="-status.nodes")["status"]
    assert farm.get("a", fields="-status.nodes")["spec"]["entrypoint"] == "main"


def test_fields_of_a_list_go_by_items_and_lose_the_metadata_that_they_do_not_name(farm):
    answer = farm.list(fields="metadata,items.metadata.name", listOptions_labelSelector="gpu")
    assert answer["metadata"]["resourceVersion"]
    assert answer["items"][0]["metadata"]["name"] == "b" and "phase" not in answer["items"][0]["status"]
    assert farm.list(fields="items.metadata.name")["metadata"] == {}


def test_fields_that_name_an_object_whole_yield_an_empty_one(farm):
    workflow = farm.list(fields="items", listOptions_labelSelector="gpu")["items"][0]
    assert "name" not in workflow["metadata"]
    for fields, empty in (("result.object", True), ("result.object.metadata", False)):
        event = next(farm.messages("/api/v1/workflow-events/odm", {"fields": fields}))
        assert (event["result"]["object"] == {}) == empty


def test_the_list_lags_behind_writes_and_get_does_not(clusters):
    cluster = clusters.start("--list-lag", 3600)
    cluster.submit(pipeline("new"))
    assert cluster.names() == []
    assert cluster.get("new")["metadata"]["name"] == "new"
    assert cluster.kube("GET").json()["items"][0]["metadata"]["name"] == "new"
    cluster.process.sim("set", listLag=0)
    assert cluster.names() == ["new"]


def test_a_deleted_workflow_stays_in_the_lagging_list(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("old"))
    cluster.wait("old")
    assert cluster.names() == ["old"]
    cluster.process.sim("set", listLag=3600)
    cluster.call("DELETE", "/api/v1/workflows/odm/old")
    assert cluster.names() == ["old"]
    assert cluster.call("GET", "/api/v1/workflows/odm/old").status_code == 404


def test_the_archive_answers_for_what_is_gone_and_marks_its_copies(clusters):
    cluster = clusters.start("--archive")
    cluster.submit(pipeline("kept"))
    uid = cluster.wait("kept", "Succeeded")["metadata"]["uid"]
    cluster.call("DELETE", "/api/v1/workflows/odm/kept")
    workflow = eventually("the archive answers", lambda: cluster.get("kept"))
    label = "workflows.argoproj.io/workflow-archiving-status"
    assert workflow["metadata"]["labels"][label] == "Persisted" and workflow["metadata"]["uid"] == uid
    assert cluster.names() == ["kept"]
    assert cluster.call("GET", f"/api/v1/archived-workflows/{uid}").json()["metadata"]["name"] == "kept"
    listed = cluster.call("GET", "/api/v1/archived-workflows", params={"namespace": "odm", "namePrefix": "ke"}).json()
    assert len(listed["items"]) == 1
    assert cluster.kube("GET", "kept").status_code == 404
    cluster.call("DELETE", f"/api/v1/archived-workflows/{uid}")
    assert cluster.call("GET", "/api/v1/workflows/odm/kept").status_code == 404


def test_with_another_uid_a_live_workflow_is_not_the_one_that_was_asked_for(clusters):
    cluster = clusters.start("--archive")
    cluster.submit(pipeline("same"))
    first = cluster.wait("same", "Succeeded")["metadata"]["uid"]
    cluster.call("DELETE", "/api/v1/workflows/odm/same")
    cluster.submit(pipeline("same"))
    assert cluster.get("same")["metadata"]["uid"] != first
    assert cluster.get("same", uid=first)["metadata"]["uid"] == first
    assert cluster.call("GET", "/api/v1/workflows/odm/same", params={"uid": "other"}).status_code == 404

"""Watches: framing, keep-alive, ends and errors."""

from __future__ import annotations

import json

from manifests import pipeline

EVENTS = "/api/v1/workflow-events/odm"


def watched(cluster, **query):
    return cluster.messages(EVENTS, {key.replace("_", "."): value for key, value in query.items()})


def test_without_a_version_a_watch_starts_with_what_exists(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("old"))
    cluster.wait("old", "Succeeded")
    event = next(watched(cluster))["result"]
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "old")


def test_from_a_lists_version_a_watch_tells_only_what_is_new(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("old"))
    cluster.wait("old", "Succeeded")
    version = cluster.list()["metadata"]["resourceVersion"]
    cluster.submit(pipeline("new"))
    cluster.call("DELETE", "/api/v1/workflows/odm/old")
    seen = []
    for message in watched(cluster, listOptions_resourceVersion=version):
        seen.append((message["result"]["type"], message["result"]["object"]["metadata"]["name"]))
        if seen[-1][0] == "DELETED":
            break
    assert seen[0] == ("ADDED", "new") and seen[-1] == ("DELETED", "old")


def test_a_selector_holds_for_a_watch(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("mine", {"of": "me"}))
    cluster.submit(pipeline("other"))
    assert next(watched(cluster, listOptions_labelSelector="of=me"))["result"]["object"]["metadata"]["name"] == "mine"


def test_a_workflow_whose_labels_stop_to_fit_is_deleted_to_that_watch(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("one"))
    kinds = []
    for message in watched(cluster, listOptions_labelSelector="workflows.argoproj.io/completed!=true"):
        kinds.append(message["result"]["type"])
        if kinds[-1] == "DELETED":
            break
    assert kinds[0] == "ADDED" and set(kinds[1:-1]) <= {"MODIFIED"}
    assert message["result"]["object"]["status"]["phase"] == "Succeeded"
    version = message["result"]["object"]["metadata"]["resourceVersion"]
    lines = cluster.kube("GET", params={
        "watch": "1", "resourceVersion": int(version) - 1, "timeoutSeconds": 1,
        "labelSelector": "workflows.argoproj.io/completed=true"}).text.splitlines()
    assert json.loads(lines[0])["type"] == "ADDED"


def test_event_streams_carry_data_lines_and_comments_and_json_lines_neither(clusters):
    cluster = clusters.start()
    cluster.process.sim("set", keepAlive=0.1)
    cluster.submit(pipeline("one"))
    cluster.wait("one")
    lines = []
    for line in cluster.lines(EVENTS, {}, sse=True):
        lines.append(line)
        if line.startswith(":"):
            break
    assert lines[0].startswith("data: {") and lines[0].endswith("} ") and lines[1:3] == ["", ""]
    plain = list(cluster.lines(EVENTS, {"listOptions.timeoutSeconds": 1}))
    assert len(plain) == 2 and all(json.loads(line) for line in plain)


def test_the_ordinary_end_of_a_watch_is_told_as_code_8(clusters):
    cluster = clusters.start()
    cluster.process.sim("set", watchSeconds=0.1)
    assert list(watched(cluster)) == [{"error": {
        "grpc_code": 8, "http_code": 429, "http_status": "Too Many Requests", "message": "EOF"}}]


def test_fields_swallow_an_error_that_they_do_not_name(clusters):
    cluster = clusters.start()
    cluster.process.sim("set", watchSeconds=0.1)
    assert list(watched(cluster, fields="result.type")) == [{}]
    assert list(watched(cluster, fields="result.type,error"))[0]["error"]["grpc_code"] == 8


def test_a_version_that_is_too_old_is_400_code_3_before_the_stream(clusters):
    cluster = clusters.start()
    cluster.submit(pipeline("one"))
    cluster.wait("one", "Succeeded")
    cluster.process.sim("compact")
    answer = cluster.call("GET", EVENTS, params={"listOptions.resourceVersion": 1001})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert "too old resource version" in answer.json()["message"]


def test_a_compaction_ends_a_running_watch_with_an_envelope_of_code_3(clusters):
    cluster = clusters.start("--accept-seconds", 3600)
    cluster.submit(pipeline("one"))
    stream = watched(cluster)
    next(stream)
    cluster.process.sim("compact")
    last = list(stream)[-1]
    assert last["error"]["grpc_code"] == 3 and "too old" in last["error"]["message"]


def test_a_reset_cluster_has_lost_everything_and_goes_on(clusters):
    cluster = clusters.start()
    cluster.process.sim("script", pods=[{"outcome": "hold"}])
    cluster.submit(pipeline("lost"))
    cluster.wait("lost", "Running")
    cluster.process.sim("reset")
    assert cluster.call("GET", "/api/v1/workflows/odm/lost").status_code == 404
    cluster.submit(pipeline("next"))
    cluster.wait("next", "Running")
    assert cluster.process.effects("created") == {"lost": 1, "next": 1}

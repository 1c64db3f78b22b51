"""What the Argo Server refuses before it stores a workflow, and how its errors look."""

from __future__ import annotations

import pytest
from manifests import pipeline


def changed(change, name="refused"):
    manifest = pipeline(name)
    change(manifest)
    return manifest


@pytest.mark.parametrize("change, text", [
    (lambda m: m["spec"].update(entryPoint="main"), "entryPoint"),
    (lambda m: m["spec"]["templates"][0]["containerSet"]["containers"][0].update(dependOn=[]), "dependOn"),
    (lambda m: m["spec"].update(entrypoint="absent"), "entrypoint"),
    (lambda m: m["spec"].update(onExit="absent"), "onExit"),
    (lambda m: m["spec"].update(activeDeadlineSeconds="soon"), "activeDeadlineSeconds"),
    (lambda m: m["spec"]["podGC"].update(deleteDelayDuration="later"), "duration"),
    (lambda m: m["spec"]["templates"][0]["containerSet"]["containers"][1].update(dependencies=["x"]), "dependency"),
    (lambda m: m["spec"]["templates"][0]["containerSet"]["containers"][1]["resources"].update(limits={"memory": "8 GB"}),
     "quantities"),
    (lambda m: m["spec"]["templates"][0]["containerSet"]["containers"][1].update(args=["{{inputs.x}}"]), "failed to resolve"),
    (lambda m: m["spec"]["templates"][0]["containerSet"]["containers"][1].update(args=["{{=1+1}}"]), "failed to resolve"),
    (lambda m: m["metadata"].update(name="a" * 64), "63 characters"),
    (lambda m: m["metadata"].update(name="UPPER"), "RFC 1123"),
    (lambda m: m["metadata"]["labels"].update(task="no spaces please"), "labels"),
    (lambda m: m["spec"]["templates"][0].update(container={"image": "x"}), "ambiguous"),
])
def test_a_wrong_manifest_is_refused_with_400_code_3(cluster, change, text):
    answer = cluster.create(changed(change))
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == 3 and text in answer.json()["message"]


def test_names_that_argo_knows_are_substituted(cluster, name):
    manifest = pipeline(name)
    manifest["spec"]["templates"][0]["containerSet"]["containers"][0]["args"] = ["{{workflow.name}}", "{{pod.name}}"]
    assert cluster.create(manifest).status_code == 200


def test_a_taken_name_is_409_code_6_and_starts_nothing(cluster, name):
    cluster.submit(pipeline(name))
    answer = cluster.create(pipeline(name))
    assert (answer.status_code, answer.json()["code"]) == (409, 6)
    assert "already exists" in answer.json()["message"]
    assert cluster.process.effects("created")[name] == 1


def test_a_generated_name_is_allowed_and_counted(cluster):
    manifest = pipeline("x")
    manifest["metadata"] = {"generateName": "generated-"}
    made = cluster.submit(manifest)
    assert made.startswith("generated-") and len(made) == len("generated-") + 5
    assert cluster.process.effects("generatedName")[made] == 1


def test_a_dry_run_validates_and_stores_nothing(cluster, name):
    assert cluster.create(pipeline(name), serverDryRun=True).status_code == 200
    assert cluster.call("GET", f"/api/v1/workflows/odm/{name}").status_code == 404
    assert cluster.create(changed(lambda m: m["spec"].update(x=1)), serverDryRun=True).status_code == 400


def test_lint_answers_with_the_workflow_or_with_what_is_wrong(cluster, name):
    path = "/api/v1/workflows/odm/lint"
    assert cluster.call("POST", path, json={"workflow": pipeline(name)}).json()["metadata"]["name"] == name
    assert cluster.call("POST", path, json={"workflow": {"metadata": {}, "spec": {}}}).status_code == 400


def test_a_body_that_is_no_json_is_400(cluster):
    assert cluster.call("POST", "/api/v1/workflows/odm", data="{").status_code == 400
    assert cluster.call("POST", "/api/v1/workflows/odm", data="[]").status_code == 400


def test_calls_that_no_careful_client_makes_are_501_and_noticed(cluster, name):
    for verb in ("retry", "resubmit", "suspend", "resume"):
        answer = cluster.call("PUT", f"/api/v1/workflows/odm/{name}/{verb}", json={})
        assert (answer.status_code, answer.json()["code"]) == (501, 12)
    assert len([path for path in cluster.process.effects("notOffered") if name in path]) == 4


def test_probes_answer_in_the_shapes_of_the_description(cluster):
    from argo_simulator.validation import validator

    for path, kind in (("version", "Version"), ("info", "InfoResponse"), ("userinfo", "GetUserInfoResponse")):
        assert not list(validator(kind).iter_errors(cluster.call("GET", f"/api/v1/{path}").json()))


def test_every_answer_of_a_workflows_life_fits_the_closed_description(cluster, name):
    from argo_simulator.validation import validator, without_nulls

    cluster.submit(pipeline(name))
    workflow = cluster.wait(name, "Succeeded")
    problems = [error.message for error in validator().iter_errors(without_nulls(workflow))]
    assert not problems


def test_a_controllers_instance_id_becomes_a_label(clusters):
    cluster = clusters.start("--instance-id", "blue")
    stored = cluster.create(pipeline("labelled")).json()
    assert stored["metadata"]["labels"]["workflows.argoproj.io/controller-instanceid"] == "blue"
    assert "workflows.argoproj.io/creator" in stored["metadata"]["labels"]

"""The roles of docs/backends.md: what the gateway asks of each API by the cluster's journal is granted, and nothing else."""

import re

import kubernetes_validate
import pytest
import yaml

from harness.api import COMPLETED, RUNNING
from harness.images import jpeg
from harness.programs import ROOT
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

PICTURES = [("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))]
WORKFLOWS = ("argoproj.io", "workflows")
PODS, LOGS, CONFIGURATION = ("", "pods"), ("", "pods/log"), ("", "configmaps")


def objects():
    """All Kubernetes objects that the page shows, by kind and name."""
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "backends.md").read_text(encoding="utf-8"), re.DOTALL):
        for document in yaml.safe_load_all(block):
            if document and "apiVersion" in document:
                found[document["kind"], document["metadata"]["name"]] = document
    return found


def granted(role):
    return {(group, resource, verb) for rule in objects()["Role", role]["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"]}


def asked_of_kubernetes(request):
    """The permission that the API server looks for."""
    path, method = request["path"], request["method"]
    if re.fullmatch(r"/apis/argoproj\.io/v1alpha1/namespaces/odm/workflows", path):
        verb = {"POST": "create", "GET": "watch" if "watch" in request["query"] else "list"}[method]
        return {(*WORKFLOWS, verb)}
    if re.fullmatch(r"/apis/argoproj\.io/v1alpha1/namespaces/odm/workflows/[^/]+", path):
        return {(*WORKFLOWS, {"GET": "get", "PATCH": "patch", "DELETE": "delete"}[method])}
    if re.fullmatch(r"/api/v1/namespaces/odm/pods/[^/]+/log", path) and method == "GET":
        return {(*LOGS, "get")}
    if re.fullmatch(r"/api/v1/namespaces/(odm|argo)/configmaps/workflow-controller-configmap", path) and method == "GET":
        return {(*CONFIGURATION, "get")}
    # Whoever has an account may ask for the version.
    assert (method, path) == ("GET", "/version"), f"{method} {path} is new: add it here and to docs/backends.md"
    return set()


def asked_by_argo_server(request):
    """What the Argo Server asks of Kubernetes in its caller's name, as its source has it."""
    path, method = request["path"], request["method"]
    of_workflows = {
        ("POST", "/api/v1/workflows/odm"): {"create"}, ("GET", "/api/v1/workflows/odm"): {"list"},
        ("GET", "/api/v1/workflow-events/odm"): {"list", "watch"},
    }
    if (method, path) in of_workflows:
        return {(*WORKFLOWS, verb) for verb in of_workflows[method, path]}
    if re.fullmatch(r"/api/v1/workflows/odm/[^/]+", path):
        return {(*WORKFLOWS, "get")} | ({(*WORKFLOWS, "delete")} if method == "DELETE" else set())
    if re.fullmatch(r"/api/v1/workflows/odm/[^/]+/terminate", path) and method == "PUT":
        return {(*WORKFLOWS, "get"), (*WORKFLOWS, "patch")}
    if re.fullmatch(r"/api/v1/workflows/odm/[^/]+/log", path) and method == "GET":
        return {(*WORKFLOWS, "get"), (*WORKFLOWS, "watch"), (*LOGS, "get"), *((*PODS, verb) for verb in ("get", "list", "watch"))}
    if re.fullmatch(r"/(artifact-files/odm/(archived-)?workflows/|api/v1/archived-workflows/).+", path):
        return {(*WORKFLOWS, "delete" if method == "DELETE" else "get")}
    assert (method, path) == ("GET", "/api/v1/version"), f"{method} {path} is new: add it here and to docs/backends.md"
    return set()


def lives(world, api, **backend):
    """Everything that may become of tasks on a cluster: run, read, stopped, restarted, removed; the journal's requests."""
    store = world.s3()
    cluster = world.argo(s3=store)
    gateway = world.gateway([{**cluster.backend(api), **backend}], {"storage": {"s3": store.settings()}})
    uuid = gateway.api.submit(PICTURES)
    assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
    assert gateway.api.act("restart", uuid) == {"success": True}
    eventually("it runs again", lambda: cluster.runs(f"odm-pipeline-{uuid}-r2") == 1)
    assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
    cluster.script(times=1, pods=[{"outcome": "hold"}])
    held = gateway.api.submit(PICTURES)
    eventually("its console is read", lambda: gateway.api.wait(held, RUNNING) and len(gateway.api.output(held)) > 2)
    assert gateway.api.act("cancel", held) == {"success": True}
    eventually("it is ended", lambda: cluster.requests("PUT", "/api/v1/workflows") or cluster.requests("PATCH", "/apis"))
    # With its watch broken off it looks at all of them again.
    cluster.partition()
    eventually("it is offline", lambda: not gateway.backends()[0]["online"])
    cluster.partition("")
    eventually("it is online", lambda: gateway.backends()[0]["online"])
    for task in (uuid, held):
        assert gateway.api.act("remove", task) == {"success": True}
    eventually("its workflows are deleted", lambda: not cluster.workflows(), 120)
    # This look was the test's own.
    return [request for request in cluster.journal()["requests"] if not is_the_test_s(request)]


def is_the_test_s(request):
    return request["path"].endswith("/namespaces/odm/workflows") and request["method"] == "GET" and not request["query"]


@pytest.mark.parametrize("api, role, asked", [("kubernetes", "scaleodm-kubernetes", asked_of_kubernetes),
                                              ("argo-server", "scaleodm-argo-server", asked_by_argo_server)])
def test_a_role_grants_what_the_gateway_asks_for_and_nothing_else(world, api, role, asked):
    requests = lives(world, api)
    wanted = set().union(*map(asked, requests))
    assert wanted == granted(role)


def test_the_controller_s_limit_is_read_where_the_inventory_names_none(world):
    requests = lives(world, "kubernetes", max_parallel_tasks=None)
    wanted = set().union(*map(asked_of_kubernetes, requests))
    assert wanted == granted("scaleodm-kubernetes") | granted("scaleodm-parallelism")
    rule, = objects()["Role", "scaleodm-parallelism"]["rules"]
    assert rule["resourceNames"] == ["workflow-controller-configmap"]


def test_the_page_s_objects_are_whole_and_fit_together():
    found = objects()
    for document in found.values():
        kubernetes_validate.validate(document, "1.30", strict=True)
    for (kind, _), document in found.items():
        if kind == "RoleBinding":
            assert ("Role", document["roleRef"]["name"]) in found
            for subject in document["subjects"]:
                account = found["ServiceAccount", subject["name"]]
                assert account["metadata"]["namespace"] == subject["namespace"] == document["metadata"]["namespace"]
    # The names are the defaults of the inventory.
    assert {("ServiceAccount", "argo-odm"), ("Secret", "scaleodm-s3")} <= set(found)
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= set(found["Secret", "scaleodm-s3"]["stringData"])


def test_the_chart_grants_as_much():
    rules = (ROOT / "charts" / "scaleodm" / "templates" / "argo-rbac.yaml").read_text(encoding="utf-8")
    chart = set()
    for block in re.findall(r"^rules:\n((?:  .*\n)+)", rules, re.MULTILINE):
        for rule in yaml.safe_load(block):
            chart |= {(group, resource, verb) for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert chart >= granted("scaleodm-kubernetes") | granted("scaleodm-argo-server") | granted("argo-odm")

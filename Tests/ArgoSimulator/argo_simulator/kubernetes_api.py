"""The Kubernetes API over the same store: exact, without validation, with opaque pages and bookmarks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from simulator_kit.messages import BadRequest, Reply, Request
from simulator_kit.routing import Handler, Router

from . import nodes, selectors, validation
from .cluster import Cluster
from .errors import ClusterError, gone, invalid, not_found, unauthorized, workflow_not_found
from .log_requests import log_options
from .pods import PodSpec
from .store import PREFIX, Workflow, labels_of

_BASE = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows"
_CORE = "/api/v1/namespaces/{namespace}"


class KubernetesAPI:
    """Answers what a client of workflows, their pods and logs asks an API server."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.router = Router()
        routes: list[tuple[str, str, str, Handler]] = [
            ("", "GET", "/version", self.version), ("create", "POST", _BASE, self.create),
            ("", "GET", _BASE, self.list_or_watch), ("get", "GET", _BASE + "/{name}", self.get),
            ("patch", "PATCH", _BASE + "/{name}", self.patch), ("delete", "DELETE", _BASE + "/{name}", self.delete),
            ("", "GET", _CORE + "/pods", self.pods), ("log", "GET", _CORE + "/pods/{pod}/log", self.log),
            ("", "GET", _CORE, self.namespace),
            ("", "GET", _CORE + "/configmaps/workflow-controller-configmap", self.controller_configuration),
            ("", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self.access_review),
        ]
        for verb, method, path, handler in routes:
            self.router.add(method, path, cluster.access.guarded(verb, handler))

    def __call__(self, request: Request) -> Reply:
        try:
            handler = self.router.find(request)
            if not self.cluster.access.allows(request.headers.first("Authorization")):
                raise unauthorized()
            if handler is None:
                raise ClusterError(404, "NotFound", "the server could not find the requested resource")
            return handler(request)
        except ClusterError as error:
            return error.as_kubernetes()
        except BadRequest as error:
            return invalid(str(error)).as_kubernetes()

    def version(self, request: Request) -> Reply:
        return Reply.of_json({"major": "1", "minor": "34", "gitVersion": "v1.34.1", "platform": "linux/amd64"})

    def access_review(self, request: Request) -> Reply:
        """Whether RBAC lets us do something, asked beforehand."""
        review = request.json()
        attributes = (review.get("spec") or {}).get("resourceAttributes") or {}
        verb = "log" if attributes.get("subresource") == "log" else attributes.get("verb")
        return Reply.of_json({**review, "status": {"allowed": verb not in self.cluster.access.forbidden}}, 201)

    def namespace(self, request: Request) -> Reply:
        return Reply.of_json({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": request.parts["namespace"]}})

    def controller_configuration(self, request: Request) -> Reply:
        return Reply.of_json({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "workflow-controller-configmap"},
                              "data": {"parallelism": str(self.cluster.knobs.parallelism)}})

    # Workflows.

    def create(self, request: Request) -> Reply:
        """201, whatever the spec says: nothing but names and labels is looked at here."""
        manifest = request.json()
        if not isinstance(manifest, dict) or manifest.get("kind") != "Workflow":
            raise invalid("the body is no Workflow: Object 'Kind' is missing")
        validation.check_name(manifest.get("metadata") or {})
        if request.first("dryRun"):
            return Reply.of_json(self.store.create(request.parts["namespace"], manifest, True), 201)
        return Reply.of_json(self.cluster.create(request.parts["namespace"], manifest), 201)

    def get(self, request: Request) -> Reply:
        workflow = self.store.get(request.parts["namespace"], request.parts["name"])
        if workflow is None:
            raise workflow_not_found(request.parts["name"])
        return Reply.of_json(workflow)

    def patch(self, request: Request) -> Reply:
        """A merge patch. One of a finished workflow succeeds and changes nothing that matters."""
        kind = request.headers.first("Content-Type")
        if not kind.startswith("application/merge-patch+json"):
            raise ClusterError(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}")
        patch = request.json()
        return Reply.of_json(self.cluster.change_spec(
            request.parts["namespace"], request.parts["name"], lambda workflow: _merge(workflow, patch)))

    def delete(self, request: Request) -> Reply:
        uid = (request.json().get("preconditions") or {}).get("uid")
        self.cluster.delete(request.parts["namespace"], request.parts["name"], uid)
        return Reply.of_json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    def list_or_watch(self, request: Request) -> Reply:
        watches = request.flag("watch")
        self.cluster.access.check("watch" if watches else "list", request.parts["namespace"])
        return self.watch(request) if watches else self.list_workflows(request)

    def list_workflows(self, request: Request) -> Reply:
        """Pages by an opaque token, which dies with the history that it stands on."""
        fits = _selector(request)
        workflows, version = self.store.all(request.parts["namespace"])
        workflows = sorted((w for w in workflows if fits(labels_of(w))),
                           key=lambda w: w["metadata"]["name"])
        token = request.first("continue")
        if token:
            version, after = self._token(token)
            workflows = [w for w in workflows if w["metadata"]["name"] > after]
        limit = request.number("limit")
        page = workflows[:limit] if limit else workflows
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if len(page) < len(workflows):
            last = page[-1]["metadata"]["name"]
            metadata |= {"continue": base64.urlsafe_b64encode(json.dumps([version, last]).encode()).decode(),
                         "remainingItemCount": len(workflows) - len(page)}
        if "as=PartialObjectMetadataList" in request.headers.first("Accept"):
            return Reply.of_json({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                                  "items": [{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                                             "metadata": w["metadata"]} for w in page]})
        return Reply.of_json({"kind": "WorkflowList", "apiVersion": "argoproj.io/v1alpha1", "metadata": metadata,
                              "items": page})

    def _token(self, token: str) -> tuple[int, str]:
        try:
            version, after = json.loads(base64.urlsafe_b64decode(token))
        except ValueError:
            raise invalid("continue key is not valid") from None
        if version < self.store.oldest:
            raise gone(version, self.store.oldest)
        return version, after

    def watch(self, request: Request) -> Reply:
        version = request.number("resourceVersion") or None
        seconds = request.number("timeoutSeconds") or self.cluster.watch_seconds
        return Reply(headers={"Content-Type": "application/json"}, stream=self._events(request, version, seconds))

    def _events(self, request: Request, version: int | None, seconds: float) -> Iterator[bytes]:
        """Events, bookmarks where they were asked for, and 410 as an ERROR event; an ordinary end is just an end."""
        fits, bookmarks = _selector(request), request.flag("allowWatchBookmarks")
        try:
            for event in self.store.watch(request.parts["namespace"], version, seconds, self.cluster.keep_alive):
                if event is None:
                    if bookmarks:
                        yield _line("BOOKMARK", _bookmark(self.store.version))
                elif kind := event.kind_for(fits):
                    yield _line(kind, event.workflow)
        except ClusterError as error:
            yield _line("ERROR", error.as_status())

    # Pods.

    def pods(self, request: Request) -> Reply:
        fits, namespace = _selector(request), request.parts["namespace"]
        found = [_pod(pod) for pod in self.cluster.controller.pods_in(namespace)]
        return Reply.of_json({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": str(self.store.version)},
                              "items": [pod for pod in found if fits(pod["metadata"]["labels"])]})

    def log(self, request: Request) -> Reply:
        name, container = request.parts["pod"], request.first("container", "main")
        pod = self.cluster.controller.pod(name)
        if pod is None or pod.namespace != request.parts["namespace"]:
            raise not_found("pods", name)
        if not self.cluster.logs.has(name, container):
            raise invalid(f"container {container} is not valid for pod {name}")
        if not self.cluster.controller.has_started(pod, container):
            raise invalid(f'container "{container}" in pod "{name}" is waiting to start: PodInitializing')
        options = log_options(request, "", "sinceTime")
        lines = self.cluster.logs.read(name, container, options, self.cluster.keep_alive)
        return Reply(headers={"Content-Type": "text/plain"},
                     stream=(text.encode() + b"\n" for text in lines if text is not None))


def _selector(request: Request) -> selectors.Requirement:
    try:
        return selectors.parse(request.first("labelSelector"))
    except selectors.SelectorError as error:
        raise invalid(str(error)) from None


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    """RFC 7396, in place."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            if not isinstance(target.get(key), dict):
                target[key] = {}
            _merge(target[key], value)
        else:
            target[key] = value


def _line(kind: str, value: Workflow) -> bytes:
    return json.dumps({"type": kind, "object": value}).encode() + b"\n"


def _bookmark(version: int) -> Workflow:
    return {"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1",
            "metadata": {"resourceVersion": str(version), "creationTimestamp": None}, "spec": {}, "status": {}}


def _pod(pod: PodSpec) -> dict[str, Any]:
    own = (pod.template.get("metadata") or {}).get("labels") or {}
    return {"metadata": {"name": pod.name, "namespace": pod.namespace,
                         "labels": {**own, PREFIX + "workflow": pod.workflow, PREFIX + "completed": "false"},
                         "annotations": {PREFIX + "node-name": pod.node,
                                         PREFIX + "node-id": nodes.node_id(pod.workflow, pod.node)}},
            "spec": {"containers": [{"name": container["name"]} for container in pod.containers]}}

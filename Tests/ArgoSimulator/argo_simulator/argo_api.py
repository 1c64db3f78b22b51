"""The Argo Server's REST API, as far as a client that submits and watches workflows needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simulator_kit.clock import parse_rfc3339
from simulator_kit.messages import BadRequest, Reply, Request
from simulator_kit.routing import Handler, Router

from . import selectors, validation
from .cluster import Cluster
from .errors import ClusterError, gone, invalid, not_found, stream_error, unauthorized, workflow_not_found
from .fields import FieldFilter, filtered_event, filtered_workflow
from .log_requests import log_options
from .phases import ENDED
from .pods import PodSpec
from .store import Workflow, labels_of
from .streams import stream_reply

#: Calls that exist in Argo and that a careful client doesn't use: neither is idempotent, or nothing is won by it.
_NOT_OFFERED = ("retry", "resubmit", "suspend", "resume")


class ArgoAPI:
    """Answers requests below /api/v1 and for artifacts."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.router = Router()
        one = "/api/v1/workflows/{namespace}/{name}"
        routes: list[tuple[str, str, str, Handler]] = [
            ("", "GET", "/api/v1/version", self.version), ("", "GET", "/api/v1/info", self.info),
            ("", "GET", "/api/v1/userinfo", self.user_info),
            ("create", "POST", "/api/v1/workflows/{namespace}", self.create),
            ("get", "POST", "/api/v1/workflows/{namespace}/lint", self.lint),
            ("list", "GET", "/api/v1/workflows/{namespace}", self.list_workflows),
            ("get", "GET", one, self.get), ("delete", "DELETE", one, self.delete),
            ("log", "GET", one + "/log", self.log), ("log", "GET", one + "/{pod}/log", self.log),
            ("patch", "PUT", one + "/terminate", self.terminate), ("patch", "PUT", one + "/stop", self.stop),
            ("watch", "GET", "/api/v1/workflow-events/{namespace}", self.watch),
            ("list", "GET", "/api/v1/archived-workflows", self.list_archived),
            ("get", "GET", "/api/v1/archived-workflows/{uid}", self.get_archived),
            ("delete", "DELETE", "/api/v1/archived-workflows/{uid}", self.delete_archived),
            ("get", "GET", "/artifact-files/{namespace}/{kind}/{id}/{node}/outputs/{artifact}", self.artifact),
            ("get", "GET", "/artifacts/{namespace}/{id}/{node}/{artifact}", self.artifact),
        ]
        for verb, method, path, handler in routes:
            self.router.add(method, path, cluster.access.guarded(verb, handler))
        for verb in _NOT_OFFERED:
            self.router.add("PUT", f"{one}/{verb}", self.not_offered)

    def __call__(self, request: Request) -> Reply:
        try:
            handler = self.router.find(request)
            if not self.cluster.access.allows(request.headers.first("Authorization")):
                raise unauthorized()
            if handler is None:
                return _no_route(self.router.knows_path(request))
            return handler(request)
        except ClusterError as error:
            return self._failure(request, error)
        except BadRequest as error:
            return invalid(str(error)).as_argo()

    def _failure(self, request: Request, error: ClusterError) -> Reply:
        """Artifact routes are plain handlers, whose errors are text."""
        if request.path.startswith("/artifact"):
            return Reply.of_text(error.message + "\n", error.status)
        return error.as_argo()

    def not_offered(self, request: Request) -> Reply:
        self.cluster.journal.effect("notOffered", request.path)
        return ClusterError(501, "NotImplemented", f"{request.method} {request.path} is not offered here").as_argo()

    # Probes.

    def version(self, request: Request) -> Reply:
        return Reply.of_json({
            "version": "v4.1.2", "buildDate": "2026-08-01T00:00:00Z", "gitCommit": "f016ad8", "gitTag": "v4.1.2",
            "gitTreeState": "clean", "goVersion": "go1.26.0", "compiler": "gc", "platform": "linux/amd64"})

    def info(self, request: Request) -> Reply:
        return Reply.of_json({"managedNamespace": "", "links": [], "columns": [], "modals": {}, "navColor": ""})

    def user_info(self, request: Request) -> Reply:
        return Reply.of_json({"subject": "system:serviceaccount:odm:gateway", "serviceAccountName": "gateway",
                              "serviceAccountNamespace": "odm"})

    # Workflows.

    def create(self, request: Request) -> Reply:
        body = request.json()
        if not isinstance(body, dict):
            raise invalid("json: cannot unmarshal the body into a WorkflowCreateRequest")
        namespace = request.parts["namespace"]
        manifest = validation.checked_manifest(body.get("workflow"))
        validation.check_name(manifest["metadata"])
        labels = manifest["metadata"].setdefault("labels", {})
        labels["workflows.argoproj.io/creator"] = "system-serviceaccount-odm-gateway"
        if self.cluster.instance_id:
            labels["workflows.argoproj.io/controller-instanceid"] = self.cluster.instance_id
        return Reply.of_json(self.cluster.create(namespace, manifest, bool(body.get("serverDryRun"))))

    def lint(self, request: Request) -> Reply:
        return Reply.of_json(validation.checked_manifest(request.json().get("workflow")))

    def get(self, request: Request) -> Reply:
        workflow = self._live_or_archived(request.parts["namespace"], request.parts["name"], request.first("uid"))
        return Reply.of_json(filtered_workflow(workflow, FieldFilter(request.first("fields"))))

    def _live_or_archived(self, namespace: str, name: str, uid: str = "") -> Workflow:
        """The live object; where it is gone, or has another uid than wanted, its copy in the archive."""
        workflow = self.store.get(namespace, name)
        if workflow and uid in ("", workflow["metadata"]["uid"]):
            return workflow
        for archived in reversed(self.store.all_archived(namespace)):
            if archived["metadata"]["name"] == name and uid in ("", archived["metadata"]["uid"]):
                return archived
        raise workflow_not_found(name)

    def list_workflows(self, request: Request) -> Reply:
        """Live objects of the lagging cache, merged with archived ones; `continue` is an offset into that."""
        namespace = request.parts["namespace"]
        live, version = self.store.cached(namespace)
        known = {workflow["metadata"]["uid"] for workflow in live}
        archived = [w for w in self.store.all_archived(namespace) if w["metadata"]["uid"] not in known]
        kept = self._selected(live + archived, request)
        page, metadata = self._page(kept, request, bool(archived))
        metadata["resourceVersion"] = str(version)
        fields = FieldFilter(request.first("fields"))
        answer = {"metadata": metadata,
                  "items": [filtered_workflow(w, fields.without_prefix("items.")) for w in page] or None}
        if fields and not any(path.startswith("metadata") for path in fields.wanted) and not fields.exclude:
            answer["metadata"] = {}
        return Reply.of_json(answer)

    def _selected(self, workflows: list[Workflow], request: Request) -> list[Workflow]:
        """What the selectors and filters leave, newest first, as the server sorts."""
        fits = _selector(request)
        name = re.search(r"metadata\.name=([^,]+)", request.first("listOptions.fieldSelector"))
        kept = [w for w in workflows if fits(labels_of(w))
                and (not name or _name_fits(w["metadata"]["name"], name[1], request.first("nameFilter")))
                and _time_fits(w, request)]
        return sorted(kept, key=lambda w: (w["metadata"]["creationTimestamp"], int(w["metadata"]["resourceVersion"])),
                      reverse=True)

    def _page(self, workflows: list[Workflow], request: Request, with_archive: bool) -> tuple[list[Workflow], dict[str, Any]]:
        """One page. The rest is only told of where it was asked for, or where the archive has more: a trap."""
        limit, offset = request.number("listOptions.limit"), request.number("listOptions.continue")
        page = workflows[offset:offset + limit] if limit else workflows[offset:]
        left = len(workflows) - offset - len(page)
        asked = "ext.showRemainingItemCount=true" in request.first("listOptions.fieldSelector")
        metadata: dict[str, Any] = {}
        if left > 0 and (asked or with_archive):
            metadata["continue"] = str(offset + len(page))
            if asked:
                metadata["remainingItemCount"] = str(left)
        return page, metadata

    def delete(self, request: Request) -> Reply:
        self.cluster.delete(request.parts["namespace"], request.parts["name"],
                            request.first("deleteOptions.preconditions.uid") or None)
        return Reply.of_json({})

    def terminate(self, request: Request) -> Reply:
        return self._shut_down(request, "Terminate")

    def stop(self, request: Request) -> Reply:
        return self._shut_down(request, "Stop")

    def _shut_down(self, request: Request, strategy: str) -> Reply:
        def change(workflow: Workflow) -> None:
            if workflow["status"].get("phase") in ENDED:
                raise ClusterError(500, "InternalError", "cannot shutdown a completed workflow: workflow: "
                                   f"\"{workflow['metadata']['name']}\", namespace: \"{workflow['metadata']['namespace']}\"")
            workflow["spec"]["shutdown"] = strategy

        return Reply.of_json(self.cluster.change_spec(request.parts["namespace"], request.parts["name"], change))

    # The archive.

    def list_archived(self, request: Request) -> Reply:
        fits = _selector(request)
        kept = [w for w in self.store.all_archived(request.first("namespace"))
                if fits(labels_of(w)) and w["metadata"]["name"].startswith(request.first("namePrefix"))]
        page, metadata = self._page(kept, request, True)
        return Reply.of_json({"metadata": metadata, "items": page or None})

    def get_archived(self, request: Request) -> Reply:
        workflow = self.store.archived(request.parts["uid"])
        if workflow is None:
            raise not_found("workflow", request.parts["uid"])
        return Reply.of_json(workflow)

    def delete_archived(self, request: Request) -> Reply:
        self.store.delete_archived(request.parts["uid"])
        return Reply.of_json({})

    def artifact(self, request: Request) -> Reply:
        """An archived log. The node in the path is a node's id, and the artifact is named `CONTAINER-logs`."""
        parts = request.parts
        if parts.get("kind") == "archived-workflows":
            workflow = self.store.archived(parts["id"])
        else:
            workflow = self._live_or_archived(parts["namespace"], parts["id"])
        node = ((workflow or {}).get("status", {}).get("nodes") or {}).get(parts["node"])
        for artifact in ((node or {}).get("outputs") or {}).get("artifacts", ()):
            if artifact["name"] == parts["artifact"]:
                _, pod, file = artifact["s3"]["key"].split("/")
                return Reply.of_text(self.cluster.logs.archived(pod, file.removesuffix(".log")) or b"")
        raise not_found("artifact", parts["artifact"])

    # Streams.

    def watch(self, request: Request) -> Reply:
        version = request.number("listOptions.resourceVersion") or None
        if version and version < self.store.oldest:
            raise gone(version, self.store.oldest)
        seconds = request.number("listOptions.timeoutSeconds") or self.cluster.watch_seconds
        return stream_reply(request, self._events(request, version, seconds))

    def _events(self, request: Request, version: int | None, seconds: float) -> Iterator[Any]:
        """Messages of a watch. Its ordinary end is told as an error that looks like an overload, and is none."""
        fits, fields = _selector(request), FieldFilter(request.first("fields"))
        try:
            for event in self.store.watch(request.parts["namespace"], version, seconds, self.cluster.keep_alive):
                if event is None:
                    yield None
                elif kind := event.kind_for(fits):
                    yield filtered_event({"result": {"type": kind, "object": event.workflow}}, fields)
        except ClusterError as error:
            yield filtered_event(stream_error(3, 400, error.message), fields)
            return
        yield filtered_event(stream_error(8, 429, "EOF"), fields)

    def log(self, request: Request) -> Reply:
        if not any(name.startswith("logOptions.") for name in request.query):
            # The server reads a field of the options without looking whether there are any.
            raise ClusterError(500, "InternalError", "runtime error: invalid memory address or nil pointer dereference")
        namespace, name = request.parts["namespace"], request.parts["name"]
        if self.store.get(namespace, name) is None:
            raise workflow_not_found(name)
        return stream_reply(request, self._log_messages(request, namespace, name))

    def _log_messages(self, request: Request, namespace: str, name: str) -> Iterator[Any]:
        """Lines of the pods that were asked for, pod by pod; a wrong name is only logged by the server, so: nothing."""
        wanted = request.parts.get("pod") or request.first("podName")
        container = request.first("logOptions.container", "main")
        options = log_options(request, "logOptions.", "logOptions.sinceTime.seconds")
        for pod in self._log_pods(namespace, name, wanted, options.follow):
            for text in self.cluster.logs.read(pod.name, container, options, self.cluster.keep_alive):
                yield None if text is None else {"result": {"content": text[:2**20], "podName": pod.name}}

    def _log_pods(self, namespace: str, name: str, wanted: str, follow: bool) -> Iterator[PodSpec]:
        """The pods there are, and when following those that come, until the workflow is finished or gone."""
        seen: set[str] = set()
        while True:
            workflow = self.store.get(namespace, name)
            fresh = [pod for pod in self.cluster.controller.pods_of(namespace, name)
                     if pod.name not in seen and wanted in ("", pod.name)]
            yield from fresh
            seen |= {pod.name for pod in fresh}
            if not follow or workflow is None or workflow["status"].get("phase") in ENDED:
                return
            with self.store.changed:
                self.store.changed.wait(1)


def _selector(request: Request) -> selectors.Requirement:
    try:
        return selectors.parse(request.first("listOptions.labelSelector"))
    except selectors.SelectorError as error:
        raise invalid(str(error)) from None


def _name_fits(name: str, wanted: str, how: str) -> bool:
    if how == "Contains":
        return wanted in name
    return name.startswith(wanted) if how == "Prefix" else name == wanted


def _time_fits(workflow: Workflow, request: Request) -> bool:
    created, finished = request.first("createdAfter"), request.first("finishedBefore")
    if created and parse_rfc3339(workflow["metadata"]["creationTimestamp"]) <= parse_rfc3339(created):
        return False
    ended = workflow["status"].get("finishedAt")
    return not finished or bool(ended) and parse_rfc3339(ended) < parse_rfc3339(finished)


def _no_route(path_exists: bool) -> Reply:
    """grpc-gateway says 501 for a known path with another method, and 404 for an unknown one."""
    if path_exists:
        return Reply.of_json({"code": 12, "message": "Method Not Allowed"}, 501)
    return Reply.of_json({"code": 5, "message": "Not Found"}, 404)

"""ScaleODM's HTTP surface: like NodeODM's in its paths, unlike it in many answers."""

from __future__ import annotations

import time
from typing import Any

from simulator_kit import products
from simulator_kit.messages import BadRequest, Reply, Request
from simulator_kit.routing import Router

from .instance import Instance, files_below
from .problems import Problem
from .submission import Rules, parse
from .tasks import COMPLETED, Task

#: Names that clients use and where the products lie.
ALIASES = {
    "orthophoto.tif": "odm_orthophoto/odm_orthophoto.tif", "dsm.tif": "odm_dem/dsm.tif", "dtm.tif": "odm_dem/dtm.tif",
    "georeferenced_model.laz": "odm_georeferencing/odm_georeferenced_model.laz",
}
PRIMARY = ("all.zip", *ALIASES)
_BOOLEANS = {"fast-orthophoto": "Skips dense reconstruction and 3D model generation", "dsm": "Build a digital surface model",
             "dtm": "Build a digital terrain model", "skip-3dmodel": "Skip the 3D model"}


class ScaleODMAPI:
    """Answers for one instance. `ui` switches on the read-only JSON of its user interface."""

    def __init__(self, instance: Instance, rules: Rules, ui: bool = False) -> None:
        self.instance = instance
        self.rules = rules
        self.router = Router()
        for method, path, handler in (
            ("GET", "/info", self.info), ("GET", "/options", self.options), ("POST", "/task/new", self.new),
            ("GET", "/task/list", self.list_tasks), ("GET", "/task/{uuid}/info", self.task_info),
            ("GET", "/task/{uuid}/output", self.output), ("GET", "/task/{uuid}/assets", self.assets),
            # One segment: the links that /assets gives for nested keys lead nowhere.
            ("GET", "/task/{uuid}/download/{asset}", self.download), ("HEAD", "/task/{uuid}/download/{asset}", self.download),
            ("POST", "/task/cancel", self.cancel), ("POST", "/task/remove", self.remove),
            ("POST", "/task/restart", self.restart), ("GET", "/__lbheartbeat__", self.alive), ("GET", "/health", self.alive),
            ("GET", "/__heartbeat__", self.ready), ("GET", "/ready", self.ready),
        ):
            self.router.add(method, path, handler)
        if ui:
            self.router.add("GET", "/ui/api/tasks", self.ui_tasks)
            self.router.add("GET", "/ui/api/tasks/{uuid}", self.ui_task)

    def __call__(self, request: Request) -> Reply:
        try:
            handler = self.router.find(request)
            if handler is None:
                raise Problem(405 if self.router.knows_path(request) else 404, f"{request.method} {request.path}")
            return handler(request)
        except Problem as problem:
            return problem.as_reply()
        except BadRequest as error:
            return Problem(400, str(error)).as_reply()

    # The instance.

    def info(self, request: Request) -> Reply:
        """No memory, no processors, no limit of parallel tasks: a client has to know those."""
        return Reply.of_json({"version": "0.1.0", "taskQueueCount": self.instance.queue_count(), "maxImages": None,
                              "engine": "odm", "engineVersion": self.instance.knobs.image})

    def options(self, request: Request) -> Reply:
        """Five, whatever the engine knows."""
        flags = [{"name": name, "type": "bool", "value": "false", "domain": "bool", "help": text}
                 for name, text in _BOOLEANS.items()]
        return Reply.of_json([*flags, {"name": "orthophoto-resolution", "type": "float", "value": "5",
                                       "domain": "float > 0.0", "help": "Orthophoto resolution in cm / pixel"}])

    def alive(self, request: Request) -> Reply:
        return Reply.of_json({"status": "ok"})

    def ready(self, request: Request) -> Reply:
        if self.instance.knobs.listFails:
            raise Problem(503, "not ready")
        return Reply.of_json({"status": "ok"})

    # Tasks.

    def new(self, request: Request) -> Reply:
        """JSON only: a form is 415. `set-uuid` and `token` are read and ignored."""
        if not request.headers.first("Content-Type").startswith("application/json"):
            raise Problem(415, f"unknown content type: {request.headers.get('Content-Type', '')}")
        submission = parse(request.json(), self.rules, self.instance.knobs.image)
        return Reply.of_json({"uuid": self.instance.submit(submission).uuid})

    def list_tasks(self, request: Request) -> Reply:
        return Reply.of_json([{"uuid": name} for name in self.instance.names()])

    def task_info(self, request: Request) -> Reply:
        task = self.instance.find(request.parts["uuid"])
        status: dict[str, Any] = {"code": task.code}
        if task.message:
            status["errorMessage"] = task.message
        document = {"uuid": task.uuid, "name": task.submission.name, "dateCreated": int(task.created),
                    "processingTime": task.milliseconds, "status": status, "options": task.submission.options,
                    "imagesCount": task.images, "progress": task.progress}
        # 0 counts as "not asked": the whole output can't be had this way.
        if line := request.number("with_output"):
            document["output"] = _from_line(task.output, line)
        return Reply.of_json(document)

    def output(self, request: Request) -> Reply:
        """The log as one JSON string, not as an array of lines."""
        task = self.instance.find(request.parts["uuid"])
        return Reply.of_json("".join(line + "\n" for line in _from_line(task.output, request.number("line"))))

    def cancel(self, request: Request) -> Reply:
        return self._act(request, self.instance.cancel)

    def remove(self, request: Request) -> Reply:
        return self._act(request, self.instance.remove)

    def restart(self, request: Request) -> Reply:
        return self._act(request, self.instance.restart)

    def _act(self, request: Request, act: Any) -> Reply:
        body = request.json()
        if not isinstance(body, dict) or not isinstance(body.get("uuid"), str):
            raise Problem(422, "expected required property uuid to be present", "body")
        act(body["uuid"])
        return Reply.of_json({"success": True})

    # Results.

    def assets(self, request: Request) -> Reply:
        task = self.instance.find(request.parts["uuid"])
        files = files_below(self.instance.storage, task.submission.target)
        document: dict[str, Any] = {"uuid": task.uuid, "assets": [
            {"name": name, "exists": ALIASES.get(name, name) in files, "url": f"/task/{task.uuid}/download/{name}"}
            for name in PRIMARY]}
        if request.flag("list"):
            limit = min(request.number("limit") or 100, 1000)
            document["files"] = [{"key": name, "size": size, "url": f"/task/{task.uuid}/download/{name}"}
                                 for name, size in sorted(files.items())[:limit]]
        return Reply.of_json(document)

    def download(self, request: Request) -> Reply:
        """302 to a pre-signed URL; `all.zip`, which no run leaves, is packed on the spot, in memory."""
        task, asset = self.instance.find(request.parts["uuid"]), request.parts["asset"]
        if task.code != COMPLETED:
            raise Problem(409, f"task {task.uuid} is not completed")
        storage, place, name = self.instance.storage, task.submission.target, ALIASES.get(asset, asset)
        files = files_below(storage, place)
        if name in files:
            return Reply(302, headers={"Location": storage.presigned(place, name)})
        if name == "all.zip" and files:
            packed = products.archive({file: storage.get(place, file) for file in files})
            return Reply(200, packed, {"Content-Type": "application/zip", "Content-Disposition": "attachment"})
        raise Problem(404, f"asset {asset} not found")

    # The user interface's twins in JSON.

    def ui_tasks(self, request: Request) -> Reply:
        rows = self.instance.rows()
        return Reply.of_json({"tasks": [_row(task) for task in rows], "total": len(rows), "page": 1})

    def ui_task(self, request: Request) -> Reply:
        return Reply.of_json(_row(self.instance.find(request.parts["uuid"])))


def _from_line(lines: list[str], line: int) -> list[str]:
    """Lines from number `line`; past the end it is everything again."""
    return lines[line:] if line < len(lines) else lines


def _row(task: Task) -> dict[str, Any]:
    return {"workflowName": task.uuid, "projectId": task.submission.name, "status": task.code,
            "readS3Path": task.submission.source.url, "writeS3Path": task.submission.target.url,
            "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(task.created))}

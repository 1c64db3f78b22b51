"""The cluster as its APIs and its control face see it: one store, one controller, and who may come in."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from simulator_kit.bucket import Storage
from simulator_kit.clock import Clock
from simulator_kit.journal import Journal
from simulator_kit.keeping import Keeping
from simulator_kit.messages import Reply, Request
from simulator_kit.routing import Handler

from .controller import Controller, Knobs
from .errors import forbidden, not_found
from .logs import LogStore
from .plans import Plans
from .store import Store, Workflow


@dataclasses.dataclass
class Access:
    """Which tokens are good. With neither a list nor a file, any Bearer or Basic value is."""

    tokens: set[str] = dataclasses.field(default_factory=set)
    #: Read anew at every request: what the file holds now is the only good token, as after a rotation.
    token_file: pathlib.Path | None = None
    #: Verbs that RBAC refuses: create, get, list, watch, patch, delete, log.
    forbidden: set[str] = dataclasses.field(default_factory=set)

    def guarded(self, verb: str, handler: Handler) -> Handler:
        """The handler, for those whom RBAC lets do this; without a verb anybody may."""
        def check_and_handle(request: Request) -> Reply:
            self.check(verb, request.parts.get("namespace", ""))
            return handler(request)

        return check_and_handle if verb else handler

    def check(self, verb: str, namespace: str) -> None:
        if verb in self.forbidden:
            raise forbidden(verb, namespace)

    def allows(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if token.startswith("v2:"):
            return False  # A login by SSO; only a person has one.
        good = set(self.tokens)
        if self.token_file:
            good.add(self.token_file.read_text(encoding="utf-8").strip())
        return token in good if good else scheme in ("Bearer", "Basic") and bool(token)


class Cluster:
    """Everything behind the two faces."""

    def __init__(self, knobs: Knobs | None = None, access: Access | None = None, instance_id: str = "",
                 secrets: Mapping[str, Mapping[str, str]] | None = None, storage: Storage | None = None,
                 journal: Journal | None = None, keeping: Keeping | None = None) -> None:
        self.knobs = knobs or Knobs()
        self.access = access or Access()
        self.instance_id = instance_id
        self.clock = Clock()
        self.journal = journal or Journal()
        self.plans = Plans()
        self.store = Store(self.clock, self.journal, keeping=keeping)
        self.logs = LogStore(self.clock)
        self.controller = Controller(self.store, self.logs, self.clock, self.knobs, self.plans, secrets, storage)
        #: Namespaces that exist: elsewhere nothing can be created, and lists are empty.
        self.namespaces = {"odm"}
        #: Seconds after which a server ends a watch by itself.
        self.watch_seconds = 300.0
        #: Seconds between signs of life on an idle stream.
        self.keep_alive = 15.0

    def create(self, namespace: str, manifest: Workflow, dry_run: bool = False) -> Workflow:
        if namespace not in self.namespaces:
            raise not_found("namespaces", namespace)
        workflow = self.store.create(namespace, manifest, dry_run)
        if not dry_run:
            self.controller.created(workflow)
        return workflow

    def change_spec(self, namespace: str, name: str, change: Any) -> Workflow:
        workflow = self.store.update(namespace, name, change)
        self.controller.spec_changed(workflow)
        return workflow

    def delete(self, namespace: str, name: str, uid: str | None = None) -> None:
        self.controller.deleted(self.store.delete(namespace, name, uid))

"""The Argo Server's `fields` parameter, with its oddities.

A list of dotted paths to keep, or with a leading `-` to leave out. Three things surprise clients and are kept here:
a path is kept when a requested one *starts with its text* (`status.node` passes for a request of `status.nodes`);
a parameter is applied to each item with `items.` taken off its front, so that `result.object` alone matches nothing
inside the object and yields an empty one; and required fields that were dropped come back empty or null.
"""

from __future__ import annotations

from typing import Any


class FieldFilter:
    """One parsed `fields` parameter. An empty one changes nothing."""

    def __init__(self, text: str) -> None:
        self.exclude = text.startswith("-")
        self.wanted = {part for part in text.removeprefix("-").split(",") if part}

    def __bool__(self) -> bool:
        return bool(self.wanted)

    def without_prefix(self, prefix: str) -> FieldFilter:
        """The filter for what lies below `prefix`; paths outside it stay as they are, as in the server."""
        below = FieldFilter("")
        below.exclude = self.exclude
        below.wanted = {path.removeprefix(prefix) for path in self.wanted}
        return below

    def apply(self, value: Any) -> Any:
        """A filtered copy."""
        return self._clean((), value) if self.wanted else value

    def _clean(self, path: tuple[str, ...], value: Any) -> Any:
        if isinstance(value, list):
            return [self._clean(path, item) for item in value]
        if not isinstance(value, dict):
            return value
        kept = {}
        for key, item in value.items():
            here = ".".join((*path, key))
            if not self._keeps(here):
                continue
            kept[key] = item if here in self.wanted else self._clean((*path, key), item)
        return kept

    def _keeps(self, path: str) -> bool:
        if self.exclude:
            return path not in self.wanted
        return any(wanted.startswith(path) for wanted in self.wanted)


def filtered_workflow(workflow: dict[str, Any], fields: FieldFilter) -> dict[str, Any]:
    """A workflow through the filter. The fields that Argo's types always carry come back, empty."""
    if not fields:
        return workflow
    kept = fields.apply(workflow)
    kept.setdefault("metadata", {}).setdefault("creationTimestamp", None)
    kept.setdefault("spec", {})
    status = kept.setdefault("status", {})
    status.setdefault("startedAt", None)
    status.setdefault("finishedAt", None)
    return kept


def filtered_event(event: dict[str, Any], fields: FieldFilter) -> dict[str, Any]:
    """A message of a watch: the object through the filter, then the envelope, which loses `error` if that isn't named."""
    if not fields:
        return event
    if "result" in event:
        inner = fields.without_prefix("result.object.").apply(event["result"]["object"])
        event = {"result": {**event["result"], "object": inner}}
    return fields.apply(event)

"""`{{…}}` in manifests, as Argo expands it: known names are replaced, others refuse the workflow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)

#: Names that get their value only while pods or exit handlers run, and are therefore known when a manifest is checked.
_LATER = ("workflow.status", "workflow.failures", "workflow.duration", "pod.name", "node.name", "retries",
          "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration", "lastRetry.message")


class SubstitutionError(ValueError):
    """A tag that nothing resolves."""


def workflow_scope(workflow: Mapping[str, Any]) -> dict[str, str]:
    """The names that every template of a workflow may use."""
    metadata, spec = workflow["metadata"], workflow.get("spec", {})
    scope = {
        "workflow.name": metadata.get("name", ""), "workflow.namespace": metadata.get("namespace", ""),
        "workflow.uid": metadata.get("uid", ""), "workflow.serviceAccountName": spec.get("serviceAccountName", ""),
        "workflow.mainEntrypoint": spec.get("entrypoint", ""), "workflow.priority": str(spec.get("priority", "")),
        "workflow.creationTimestamp": metadata.get("creationTimestamp", ""),
    }
    for kind in ("labels", "annotations"):
        scope |= {f"workflow.{kind}.{key}": value for key, value in (metadata.get(kind) or {}).items()}
    for parameter in (spec.get("arguments") or {}).get("parameters") or ():
        scope[f"workflow.parameters.{parameter['name']}"] = str(parameter.get("value", ""))
    return scope


def check(workflow: Mapping[str, Any]) -> None:
    """Refuses a manifest with a tag that can't be resolved: a user's `{{…}}` that slipped in shows here."""
    known = {**workflow_scope(workflow), **dict.fromkeys(_LATER, "")}
    for template in workflow.get("spec", {}).get("templates") or ():
        for match in _TAG.finditer(json.dumps(template, ensure_ascii=False)):
            if match[1].strip() not in known:
                raise SubstitutionError(f"templates.{template.get('name')}: failed to resolve {{{{{match[1]}}}}}")


def substitute(value: Any, scope: Mapping[str, str]) -> Any:
    """A copy with every tag replaced, in strings at any depth."""
    if isinstance(value, dict):
        return {key: substitute(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, scope) for item in value]
    if not isinstance(value, str):
        return value
    return _TAG.sub(lambda match: _resolved(match[1].strip(), scope), value)


def _resolved(name: str, scope: Mapping[str, str]) -> str:
    if name not in scope:
        raise SubstitutionError(f"failed to resolve {{{{{name}}}}}")
    return scope[name]

"""What a manifest must pass before it is stored: Argo's own description, closed, and hera's independent model.

The closed schema is the one that refuses misspelt keys; hera is the one written by others. Only both together keep
the simulator from agreeing with a mistake of the client.
"""

from __future__ import annotations

import functools
import json
import pathlib
import re
import threading
from typing import Any

from . import substitution
from .errors import ClusterError, invalid
from .quantities import duration, quantity

_SCHEMA = pathlib.Path(__file__).resolve().parents[1] / "argo-swagger-subset.json"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
#: Argo needs the name in labels and puts a hash behind it in pod names.
NAME_LIMIT = 63


def _closed(schema: Any) -> Any:
    """The schema with unknown keys refused everywhere."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema:
        schema = {**schema, "additionalProperties": False}
    return {key: _closed(value) for key, value in schema.items()}


@functools.cache
def validator(kind: str = "Workflow") -> Any:
    """A validator of one of Argo's types by its short name."""
    import jsonschema

    definitions = _closed(json.loads(_SCHEMA.read_text(encoding="utf-8"))["definitions"])
    return jsonschema.Draft4Validator(
        {"$ref": f"#/definitions/io.argoproj.workflow.v1alpha1.{kind}", "definitions": definitions})


def warm_up() -> None:
    """Loads hera and the schema in the background: they take seconds that the first create should not wait for."""
    threading.Thread(target=lambda: (validator(), _hera_model()), daemon=True).start()


@functools.cache
def _hera_model() -> Any:
    from hera.workflows.models import Workflow

    return Workflow


def without_nulls(value: Any) -> Any:
    """Nulls taken out, as Kubernetes drops them."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def check_name(metadata: dict[str, Any]) -> None:
    """Kubernetes' rules of names and labels, which hold on both faces."""
    name = metadata.get("name") or metadata.get("generateName", "") + "xxxxx"
    if name == "xxxxx":
        raise ClusterError(422, "Invalid", "metadata.name: Required value: name or generateName is required")
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise ClusterError(422, "Invalid", f"metadata.name: Invalid value: {name!r}: a lowercase RFC 1123 subdomain must "
                                           "consist of lower case alphanumeric characters, '-' or '.'")
    for key, value in (metadata.get("labels") or {}).items():
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            raise ClusterError(422, "Invalid", f"metadata.labels: Invalid value: {value!r}: of {key}")


def checked_manifest(manifest: Any) -> dict[str, Any]:
    """The manifest, if the Argo Server would store it; a 400 for all that it refuses."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata"), dict):
        raise invalid("workflow was not found in the request body")
    problems = sorted(validator().iter_errors(without_nulls(manifest)), key=lambda error: list(map(str, error.path)))
    if problems:
        place = ".".join(str(part) for part in problems[0].absolute_path)
        raise invalid(f"invalid workflow: {place}: {problems[0].message[:300]}")
    _check_with_hera(manifest)
    check_spec(manifest)
    return manifest


def _check_with_hera(manifest: dict[str, Any]) -> None:
    try:
        _hera_model().model_validate(manifest)
    except ValueError as error:
        raise invalid(f"invalid workflow: {error}") from None


def check_spec(manifest: dict[str, Any]) -> None:
    """The controller's checks: the Argo Server makes them at create, behind Kubernetes' API they come only later."""
    name = manifest["metadata"].get("name", "")
    if len(name) > NAME_LIMIT:
        raise invalid(f"workflow name {name!r} must not be more than {NAME_LIMIT} characters long (currently {len(name)})")
    spec = manifest.get("spec") or {}
    templates = {template.get("name"): template for template in spec.get("templates") or ()}
    for key in ("entrypoint", "onExit"):
        if (key == "entrypoint" or spec.get(key)) and spec.get(key) not in templates:
            raise invalid(f"spec.{key}: template name {spec.get(key)!r} undefined")
    for template in templates.values():
        _check_template(template)
    _check_times(spec)
    try:
        substitution.check(manifest)
    except substitution.SubstitutionError as error:
        raise invalid(str(error)) from None


def _check_template(template: dict[str, Any]) -> None:
    kinds = [kind for kind in ("container", "script", "containerSet", "suspend", "steps", "dag", "http", "resource")
             if template.get(kind) is not None]
    if len(kinds) != 1:
        raise invalid(f"templates.{template.get('name')} template type unspecified or ambiguous: {kinds}")
    if kinds[0] not in ("container", "script", "containerSet", "suspend"):
        raise invalid(f"templates.{template.get('name')}: this simulator does not run {kinds[0]}")
    containers = (template.get("containerSet") or {}).get("containers") or [template.get(kinds[0]) or {}]
    names = [container.get("name", "main") for container in containers]
    if len(set(names)) != len(names):
        raise invalid(f"templates.{template['name']}.containerSet.containers: names must be unique")
    for container in containers:
        _check_container(template["name"], container, names)


def _check_container(template: str, container: dict[str, Any], names: list[str]) -> None:
    for needed in container.get("dependencies") or ():
        if needed not in names:
            raise invalid(f"templates.{template}.containerSet: dependency {needed!r} not defined")
    for kind, values in (container.get("resources") or {}).items():
        if kind in ("requests", "limits"):
            for value in values.values():
                _parsed(quantity, value, f"templates.{template}.resources.{kind}")


def _check_times(spec: dict[str, Any]) -> None:
    if delay := (spec.get("podGC") or {}).get("deleteDelayDuration"):
        _parsed(duration, delay, "spec.podGC.deleteDelayDuration")
    for template in spec.get("templates") or ():
        backoff = (template.get("retryStrategy") or {}).get("backoff") or {}
        for key in ("duration", "maxDuration"):
            if backoff.get(key):
                _parsed(duration, backoff[key], f"templates.{template.get('name')}.retryStrategy.backoff.{key}")


def _parsed(parse: Any, value: Any, place: str) -> None:
    try:
        parse(value)
    except ValueError as error:
        raise invalid(f"{place}: {error}") from None

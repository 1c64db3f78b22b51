"""The gateway's own manifests: the files that its unit tests compare with, their scripts put back in."""

from __future__ import annotations

import base64
import copy
import json
import pathlib
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "Sources" / "Backends" / "Argo" / "Scripts"
FILES = sorted((ROOT / "Tests" / "Fixtures" / "argo").glob("*.json"))
NAMES = [file.stem for file in FILES]


def manifest(name: str) -> dict[str, Any]:
    """A manifest as the gateway sends it."""
    found = json.loads((ROOT / "Tests" / "Fixtures" / "argo" / f"{name}.json").read_text(encoding="utf-8"))
    return _with_scripts(found)


def _with_scripts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_scripts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_scripts(item) for item in value]
    if isinstance(value, str) and value.startswith("<") and (SCRIPTS / value[1:-1]).is_file():
        return (SCRIPTS / value[1:-1]).read_text(encoding="utf-8")
    return value


def containers(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The three containers by name."""
    entry = next(t for t in workflow["spec"]["templates"] if t["name"] == workflow["spec"]["entrypoint"])
    return {container["name"]: container for container in entry["containerSet"]["containers"]}


def document(workflow: dict[str, Any]) -> dict[str, Any]:
    """What the manifest tells its containers."""
    packed = next(v["value"] for v in containers(workflow)["download"]["env"] if v["name"] == "GW_TASK_B64")
    return json.loads(base64.urlsafe_b64decode(packed))


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def told(workflow: dict[str, Any], change: dict[str, Any], rclone: dict[str, str]) -> dict[str, Any]:
    """The same with another description; `rclone` are texts of the fields that the shell script reads."""
    changed = copy.deepcopy(workflow)
    task = {**document(workflow), **change}
    task["rclone"] = {**task["rclone"], **{key: b64(text) if key.endswith("_b64") else text for key, text in rclone.items()}}
    packed = base64.urlsafe_b64encode(json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode()).decode()
    for container in containers(changed).values():
        for variable in container["env"]:
            if variable["name"] == "GW_TASK_B64":
                variable["value"] = packed
    return changed


def with_variable(workflow: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    """The same with a variable set in all three containers."""
    changed = copy.deepcopy(workflow)
    for container in containers(changed).values():
        container["env"] = [v for v in container["env"] if v["name"] != name] + [{"name": name, "value": value}]
    return changed

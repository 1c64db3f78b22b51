"""The gateway's own manifest and the scripts in it, run for real: rclone, the engine's argument vector, all.zip, markers.

The manifests are the fixtures that the gateway's tests compare with what it builds; their scripts are the ones that it
embeds. Without either there is nothing to run.
"""

from __future__ import annotations

import base64
import io
import json
import pathlib
import zipfile

import pytest
from client import node
from simulator_kit.bucket import Place

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_MANIFEST = _ROOT / "Tests" / "Fixtures" / "argo" / "upload.json"
_SCRIPTS = _ROOT / "Sources" / "Backends" / "Argo" / "Scripts"

#: What no quoting may change and nothing may expand.
NASTY = ["--dsm", "--name=it's \"quoted\"", "--x=$(touch /tmp/owned)", "--y=`id`; rm -rf .", "--z={{workflow.name}}\nnext"]


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


def replaced(value, pairs):
    """Texts replaced at any depth, and inside of fields that are base64."""
    if isinstance(value, dict):
        return {key: encoded(replaced(decoded(item), pairs)) if key.endswith("_b64") else replaced(item, pairs)
                for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, pairs) for item in value]
    for old, new in pairs.items() if isinstance(value, str) else ():
        value = value.replace(old, new)
    return value


def manifest_for(storage, name, arguments):
    """The fixture, pointed at this test's bucket, under this test's name, with the scripts in their places."""
    manifest = json.loads(_MANIFEST.read_text(encoding="utf-8"))
    variables = manifest["spec"]["templates"][0]["containerSet"]["containers"][0]["env"]
    packed = next(variable["value"] for variable in variables if variable["name"] == "GW_TASK_B64")
    task = json.loads(decoded(packed))
    names = {task["output"]["bucket"] + "/" + task["output"]["prefix"].rsplit("/", 2)[0]: f"data/{name}",
             task["workflow"]: name, task["task"]: name}
    prefix = task["output"]["prefix"].rsplit("/", 2)[0]
    task = replaced(task, {**names, prefix: name})
    task["input"]["bucket"] = task["output"]["bucket"] = "data"
    task["args"] = arguments
    own = {packed: encoded(json.dumps(task, separators=(",", ":"))), manifest["metadata"]["name"]: name}
    scripts = {f"<{path.name}>": path.read_text(encoding="utf-8") for path in _SCRIPTS.iterdir()}
    manifest = replaced(manifest, {**own, **scripts})
    return _with_endpoint(manifest, storage.endpoint)


def _with_endpoint(value, endpoint):
    if isinstance(value, list):
        return [_with_endpoint(item, endpoint) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("name") == "RCLONE_CONFIG_S3_ENDPOINT":
        return {**value, "value": endpoint}
    return {key: _with_endpoint(item, endpoint) for key, item in value.items()}


@pytest.fixture
def executing(clusters, storage, tmp_path):
    keys = {"AWS_ACCESS_KEY_ID": storage.access_key, "AWS_SECRET_ACCESS_KEY": storage.secret_key}
    (tmp_path / "secrets.json").write_text(json.dumps({"scaleodm-s3": keys}))
    return clusters.start("--execute", "--secrets", tmp_path / "secrets.json")


def consoles(cluster, name):
    return {part: cluster.log(name, **{"logOptions.container": part}) for part in ("download", "process", "upload")}


def test_the_stages_bring_images_through_the_engine_to_all_zip(executing, storage, name):
    inputs, output = Place("data", f"{name}/input/"), Place("data", f"{name}/attempt-1/")
    for file in ("a.jpg", "b.JPG", "gcp_list.txt"):
        storage.put(inputs, file, b"content")
    executing.submit(manifest_for(storage, name, NASTY))
    workflow = executing.wait(name, seconds=60)
    assert workflow["status"]["phase"] == "Succeeded", consoles(executing, name)
    files = dict(storage.list(output))
    assert {"_STARTED.json", "_DONE.json", "all.zip", "odm_orthophoto/odm_orthophoto.tif", "task_output.txt"} <= set(files)
    done = json.loads(storage.get(output, "_DONE.json"))
    assert (done["workflow"], done["attempt"]) == (name, 1)
    packed = zipfile.ZipFile(io.BytesIO(storage.get(output, "all.zip")))
    assert packed.testzip() is None and "odm_orthophoto/odm_orthophoto.tif" in packed.namelist()
    arguments = json.loads(packed.read("log.json"))["arguments"]
    start = arguments.index(NASTY[0])
    assert arguments[start:start + len(NASTY)] == NASTY
    assert "--gcp" in arguments and arguments[-3] == "--project-path"
    assert int(node(workflow, f"{name}(0)")["progress"].split("/")[0]) == 100


def test_a_failed_engine_leaves_its_console_and_no_marker_of_success(executing, storage, name):
    storage.put(Place("data", f"{name}/input/"), "a.jpg", b"content")
    executing.process.sim("script", name=name, pods=[{"outcome": "exit", "exitCode": 3}])
    executing.submit(manifest_for(storage, name, []))
    workflow = executing.wait(name, "Failed", seconds=60)
    assert node(workflow, f"{name}(0)")["message"] == "process: Error (exit code 3)", consoles(executing, name)
    files = dict(storage.list(Place("data", f"{name}/attempt-1/")))
    assert "task_output.txt" in files and "_DONE.json" not in files


def test_no_image_is_a_failure_of_its_own(executing, storage, name):
    storage.put(Place("data", f"{name}/input/"), "notes.txt", b"content")
    executing.submit(manifest_for(storage, name, []))
    workflow = executing.wait(name, "Failed", seconds=60)
    assert node(workflow, f"{name}(0)")["message"].startswith("process: Error"), consoles(executing, name)

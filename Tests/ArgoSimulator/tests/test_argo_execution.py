"""Containers that really run: real rclone, a stand-in for ODM, the argument vector, progress, and S3 in between."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib

import pytest
from client import Client, node
from manifests import pipeline, task_env
from simulator_kit.bucket import Place
from simulator_kit.testing import eventually

#: What no quoting may change and nothing may expand.
NASTY = ["--name=it's \"quoted\"", "$(touch /tmp/owned)", "`id`", "; rm -rf .", "{not a tag}", "line\nbreak", "-–ü"]

DOWNLOAD = """set -eu
mkdir -p /workspace/odm/task/images
rclone copy "store:$BUCKET/$PREFIX" /workspace/odm/task/images
cp "$(command -v rclone)" /workspace/rclone
echo "downloaded {{workflow.name}}"
"""
PROCESS = """import json, os, socket, subprocess, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("127.0.0.1", 6367))
listener.setblocking(False)
run = subprocess.Popen(["python3", "run.py", *json.loads(os.environ["ARGUMENTS"]), "--project-path", "/workspace/odm", "task"],
                       cwd="/code")
while run.poll() is None:
    try:
        percent = float(listener.recv(200).split(b"/")[-1])
    except BlockingIOError:
        continue
    with open(os.environ["ARGO_PROGRESS_FILE"], "w") as file:
        file.write(f"{5 + int(percent * 0.9)}/100\\n")
sys.exit(run.returncode if run.returncode >= 0 else 128 - run.returncode)
"""
UPLOAD = """set -eu
/workspace/rclone copy /workspace/odm/task "store:$BUCKET/$OUTPUT" --exclude "images/**"
"""


@pytest.fixture
def executing(clusters, storage, tmp_path):
    """A cluster that runs containers, with the Secret that they name."""
    (tmp_path / "secrets.json").write_text(json.dumps(
        {"s3": {"key": storage.access_key, "secret": storage.secret_key}}))
    return clusters.start("--execute", "--secrets", tmp_path / "secrets.json")


def scripts():
    return {"download": ["sh", "-c", DOWNLOAD], "process": ["python3", "-c", PROCESS], "upload": ["sh", "-c", UPLOAD]}


def environment(storage, name, arguments=("--dsm",), secret="s3"):
    """rclone's configuration by environment, its keys from the Secret."""
    texts = {"RCLONE_CONFIG_STORE_TYPE": "s3", "RCLONE_CONFIG_STORE_PROVIDER": "Other",
             "RCLONE_CONFIG_STORE_ENDPOINT": storage.endpoint, "RCLONE_CONFIG": "/tmp/absent", "BUCKET": "data",
             "PREFIX": f"{name}/input", "OUTPUT": f"{name}/output", "ARGUMENTS": json.dumps(list(arguments))}
    keys = {"RCLONE_CONFIG_STORE_ACCESS_KEY_ID": "key", "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": "secret"}
    return [*({"name": n, "value": v} for n, v in texts.items()),
            *({"name": n, "valueFrom": {"secretKeyRef": {"name": secret, "key": k}}} for n, k in keys.items())]


def images(storage, name, count=3):
    for number in range(count):
        storage.put(Place("data", f"{name}/input/"), f"IMG_{number}.JPG", b"jpeg")


def test_download_process_and_upload_run_for_real(executing, storage, name):
    images(storage, name)
    executing.submit(pipeline(name, scripts=scripts(), env=environment(storage, name, NASTY)))
    workflow = executing.wait(name, seconds=60)
    assert workflow["status"]["phase"] == "Succeeded", executing.log(name) + executing.log(name, **{
        "logOptions.container": "download"})
    output = Place("data", f"{name}/output/")
    found = dict(storage.list(output))
    assert {"odm_orthophoto/odm_orthophoto.tif", "odm_dem/dsm.tif", "log.json", "images.json"} <= set(found)
    arguments = json.loads(storage.get(output, "log.json"))["arguments"]
    assert arguments[:len(NASTY)] == NASTY and arguments[len(NASTY)] == "--project-path"
    assert "[INFO]    Found 3 usable images" in executing.log(name)
    assert f"downloaded {name}" in executing.log(name, **{"logOptions.container": "download"})


def test_an_engine_at_a_gate_waits_until_it_is_opened(executing, storage, name, tmp_path):
    images(storage, name)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    executing.process.sim("script", name=name, pods=[{"environment": {"FAKE_ODM_GATE": str(gate)}}])
    executing.submit(pipeline(name, scripts=scripts(), env=environment(storage, name)))
    eventually("it waits", lambda: any("odm_filterpoints" in line for line in executing.log(name)), 60)
    assert executing.get(name)["status"]["phase"] == "Running"
    opened = os.open(gate, os.O_RDWR)
    try:
        executing.wait(name, "Succeeded", seconds=60)
    finally:
        os.close(opened)
    told = json.loads(storage.get(Place("data", f"{name}/output/"), "odm_report/inputs.json"))
    assert told == {f"IMG_{number}.JPG": hashlib.sha256(b"jpeg").hexdigest() for number in range(3)}


def test_progress_datagrams_reach_the_pods_node(executing, storage, name):
    images(storage, name)
    env = [*environment(storage, name), {"name": "FAKE_ODM_SECONDS", "value": "2"}]
    executing.submit(pipeline(name, scripts=scripts(), env=env))

    def progress():
        nodes = executing.get(name)["status"].get("nodes") or {}
        return next((int(n["progress"].split("/")[0]) for n in nodes.values() if n["name"] == f"{name}(0)"), 0)

    eventually("progress moves", lambda: 5 < progress() < 95, 60)
    executing.wait(name, "Succeeded", seconds=60)


def test_pods_at_the_same_time_do_not_hear_each_others_progress(executing, storage, name):
    images(storage, name)
    for number in range(2):
        executing.submit(pipeline(f"{name}-{number}", scripts=scripts(), env=environment(storage, name)))
    for number in range(2):
        assert executing.wait(f"{name}-{number}", seconds=60)["status"]["phase"] == "Succeeded"


@pytest.mark.parametrize("plan, message", [
    ({"outcome": "exit", "exitCode": 3}, "process: Error (exit code 3)"),
    ({"outcome": "oom"}, "process: OOMKilled (exit code 137)"),
    ({"memoryNeeded": "16Gi"}, "process: OOMKilled (exit code 137)"),
])
def test_exit_codes_become_argos_texts(executing, storage, name, plan, message):
    images(storage, name)
    executing.process.sim("script", name=name, pods=[plan])
    executing.submit(pipeline(name, scripts=scripts(), env=environment(storage, name)))
    workflow = executing.wait(name, "Failed", seconds=60)
    assert node(workflow, f"{name}(0)")["message"] == message
    assert node(workflow, f"{name}(0).upload")["phase"] == "Error"


def test_the_image_of_rclone_has_no_python_and_that_of_odm_no_rclone(executing, name):
    commands = {"download": ["python3", "-c", "pass"]}
    executing.submit(pipeline(name, scripts=commands))
    assert node(executing.wait(name, seconds=60), f"{name}(0)")["message"] == "download: Error (exit code 127)"
    commands = {"process": ["sh", "-c", "command -v rclone"]}
    executing.submit(pipeline(name + "-b", scripts=commands))
    assert executing.wait(name + "-b", seconds=60)["status"]["phase"] == "Failed"


def test_a_missing_secret_or_key_keeps_the_pod_pending(executing, storage, name):
    executing.submit(pipeline(name, scripts=scripts(), env=environment(storage, name, secret="absent")))
    pod = eventually("the reason shows", lambda: next(
        (n for n in (executing.get(name)["status"].get("nodes") or {}).values() if n.get("message")), None))
    assert (pod["phase"], pod["message"]) == ("Pending", 'CreateContainerConfigError: secret "absent" not found')


def test_the_end_of_the_program_ends_the_processes_too(storage, name, tmp_path):
    from simulator_kit.testing import SimulatorProcess

    folder = pathlib.Path(__file__).resolve().parents[1]
    process = SimulatorProcess("argo_simulator", folder, "--execute", "--pod-seconds", 0)
    cluster = Client(process)
    cluster.submit(pipeline(name, scripts={"process": ["sh", "-c", "echo pid $$; sleep 3600"]}))
    line = eventually("it runs", lambda: next((line for line in cluster.log(name) if line.startswith("pid")), None), 60)
    assert process.stop() == 0
    assert not pathlib.Path(f"/proc/{line.split()[1]}").exists()


def test_terminate_kills_the_processes(executing, name):
    executing.submit(pipeline(name, scripts={"process": ["sh", "-c", "echo begun; sleep 3600"]}))
    eventually("it runs", lambda: "begun" in executing.log(name), 60)
    executing.call("PUT", f"/api/v1/workflows/odm/{name}/terminate", json={})
    assert executing.wait(name)["status"]["message"] == "Stopped with strategy 'Terminate'"


def test_a_container_sees_nothing_of_this_machines_environment(executing, name, monkeypatch):
    monkeypatch.setenv("LEAK", "secret")
    executing.submit(pipeline(name, scripts={"process": ["env"]}, env=[{"name": "OWN", "value": "{{workflow.name}}"}]))
    executing.wait(name, seconds=60)
    lines = executing.log(name)
    assert f"OWN={name}" in lines and "LEAK=secret" not in lines


@pytest.mark.parametrize("by_object", [False, True])
def test_scripted_pods_leave_markers_and_results_where_the_task_wants_them(clusters, storage, name, by_object):
    cluster = clusters.start("--s3-endpoint", storage.endpoint, "--s3-access-key", storage.access_key,
                             "--s3-secret-key", storage.secret_key)
    task = {"v": 1, "task": name, "workflow": name, "attempt": 1, "args": ["--dsm"], "outputs": [],
            "input": {"bucket": "data", "prefix": "in/"}, "output": {"bucket": "data", "prefix": f"{name}/out/"}}
    env = task_env(task)
    if by_object:
        storage.put(Place("data", f"{name}/"), "task-1.json", json.dumps(task).encode())
        env = [{"name": "GW_TASK_BUCKET", "value": "data"}, {"name": "GW_TASK_KEY", "value": f"{name}/task-1.json"}]
    cluster.submit(pipeline(name, env=env))
    cluster.wait(name, "Succeeded", seconds=60)
    place = Place("data", f"{name}/out/")
    files = dict(storage.list(place))
    assert {"_STARTED.json", "_DONE.json", "all.zip", "odm_orthophoto/odm_orthophoto.tif"} <= set(files)
    done = json.loads(storage.get(place, "_DONE.json"))
    assert (done["task"], done["attempt"]) == (name, 1) and done["files"] > 3
    assert storage.exists(place, "all.zip") and not storage.exists(place, "none")


def test_a_store_that_refuses_the_keys_fails_the_stage_that_writes(clusters, storage, name):
    cluster = clusters.start("--s3-endpoint", storage.endpoint, "--s3-access-key", storage.access_key,
                             "--s3-secret-key", "wrong")
    task = {"task": name, "workflow": name, "attempt": 1, "output": {"bucket": "data", "prefix": f"{name}/"}}
    cluster.submit(pipeline(name, env=task_env(task)))
    assert node(cluster.wait(name, "Failed", seconds=60), f"{name}(0)")["message"] == "download: Error (exit code 1)"

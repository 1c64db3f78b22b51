"""Kind `argo`: tasks of every way in run as workflows of a simulated cluster, over an S3 server between gateway and pods."""

import base64
import http.server
import io
import json
import os
import pathlib
import re
import threading
import zipfile

import pytest
import requests
from pyodm import Node

from harness.api import CANCELED, COMPLETED, FAILED, QUEUED, RUNNING, error_of, plain
from harness.gateway import command, yaml
from harness.images import GCP, jpeg, sha256
from harness.s3 import Place
from harness.simulator import host_and_port
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

OWN = "s3://data/scaleodm/"
FLIGHT = "s3://mybucket/drone-images/"
NAME = re.compile(r"odm-pipeline-[bcdfghjklmnpqrstvwxz2456789]{10}")
#: What no shell, no template and no quoting may change.
NASTY = "it's \"quoted\" $(touch /tmp/owned) `id`; rm -rf . {{workflow.name}} {{=1+1}} \\ \n next"


def pictures(count, first=1):
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(first, first + count)]


def settings(s3, **more):
    return {"storage": {"s3": s3.settings()}, "fetch": {"allow_private_addresses": True}, **more}


def workflow_of(uuid, attempt=1):
    name = uuid.lower() if uuid.startswith("odm-pipeline-") else f"odm-pipeline-{uuid.lower()}"
    return name if attempt == 1 else f"{name}-r{attempt}"


def single(cluster):
    """The only workflow that was ever created."""
    names = list(cluster.runs())
    assert len(names) == 1, names
    return names[0]


def zipped(data):
    return zipfile.ZipFile(io.BytesIO(data))


@pytest.fixture(scope="module")
def running(scratch):
    """A gateway over a cluster whose pods run the gateway's own scripts, with real rclone and a stand-in for ODM."""
    from conftest import World

    world = World(scratch / "argo-running")
    world.folder.mkdir()
    world.store = world.s3(buckets=("data", "mybucket"))
    world.cluster = world.argo(s3=world.store, execute=True, parallelism=4)
    world.server = world.gateway([world.cluster], settings(world.store))
    world.store.put(FLIGHT, pictures(5))
    world.store.put(FLIGHT, [("gcp_list.txt", b"EPSG:4326\n"), ("notes.pdf", b"no image")])
    yield world
    world.close()


@pytest.fixture
def api(running):
    return running.server.api


# The ways in.


def test_the_description_s_flow(running, api):
    """`zipurl=s3://…`: images counted by listing, results beside the images, all.zip streamed."""
    made = api.new(name="my project", zipurl=FLIGHT, options='[{"name":"dsm","value":true}]')
    assert NAME.fullmatch(made["uuid"]), made
    shown = api.task(made["uuid"])
    assert shown["imagesCount"] == 5 and shown["s3InputPath"] == FLIGHT
    done = api.wait(made["uuid"], seconds=120)
    assert done["status"]["code"] == COMPLETED and done["progress"] == 100 and done["processingTime"] > 0, done
    assert done["s3OutputPath"] == "s3://mybucket/drone-images-output/" and done["imagesCount"] == 5
    assert running.cluster.runs(made["uuid"]) == 1
    packed = api.download(made["uuid"])
    assert packed.status_code == 200 and zipped(packed.content).testzip() is None
    results = running.store.files("s3://mybucket/drone-images-output/")
    assert {"_STARTED.json", "_DONE.json", "all.zip"} <= set(results)
    assert packed.content == results["all.zip"]
    output = api.output(made["uuid"])
    assert any("ODM app finished" in line or "finished" in line for line in output), output


def test_item_49_an_s3_place_as_zipurl(running, api):
    """The pods are told the place itself; its images are read only, also by a remove. (Of kind `scaleodm`: ScaleODMSubmissionTests.)"""
    before = running.store.files(FLIGHT)
    uuid = api.new(zipurl=FLIGHT)["uuid"]
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    main = next(t for t in running.cluster.workflow(uuid)["spec"]["templates"] if t["name"] == "main")
    packed = {v["name"]: v.get("value") for v in main["containerSet"]["containers"][0]["env"]}["GW_TASK_B64"]
    told = json.loads(base64.urlsafe_b64decode(packed))
    assert (told["input"]["bucket"], told["input"]["prefix"]) == ("mybucket", "drone-images/")
    assert api.act("remove", uuid) == {"success": True}
    eventually("its workflow is deleted", lambda: running.cluster.workflow(uuid) is None)
    assert running.store.files(FLIGHT) == before


SHARED = "s3://mybucket/shared/"


@pytest.mark.parametrize("fields, place", [
    ({"zipurl": SHARED}, "s3://mybucket/shared-output/"),
    ({"readS3Path": SHARED, "writeS3Path": "s3://mybucket/shared-results/"}, "s3://mybucket/shared-results/"),
])
def test_two_tasks_of_one_place_at_the_same_time(running, api, tmp_path, fields, place):
    """Results aren't mixed: while one run may write to the place, another's go below it. Info says where."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    running.store.put(SHARED, pictures(2))

    def run(option):
        return plain(api.post("/task/new", json={**fields, "options": [{"name": option, "value": True}]}))["uuid"]

    def assert_its_own(uuid, where, option):
        """Marker, products and download are those of this very task."""
        assert api.task(uuid)["s3OutputPath"] == where
        marker = json.loads(running.store.storage.get(Place.parse(where), "_DONE.json"))
        packed = running.store.storage.get(Place.parse(where), "all.zip")
        assert marker["task"] == uuid and api.download(uuid).content == packed
        arguments = json.loads(zipped(packed).read("log.json"))["arguments"]
        assert [f"--{name}" in arguments for name in ("dsm", "dtm")] == [option == "dsm", option == "dtm"]

    running.cluster.script(name="odm-*", times=1, pods=[{"environment": {"FAKE_ODM_GATE": str(gate)}}])
    first = run("dsm")
    eventually("it has begun", lambda: running.store.storage.exists(Place.parse(place), "_STARTED.json"), 60)
    second = run("dtm")
    assert api.wait(second, seconds=120)["status"]["code"] == COMPLETED
    assert_its_own(second, f"{place}{second}/", "dtm")
    told = requests.get(f"{running.server.admin_url}/api/tasks/{second}", timeout=10).json()["events"]
    assert any(f"another task's run may write to {place}" in event["detail"] for event in told), told
    assert api.code(first) == RUNNING
    opened = os.open(gate, os.O_RDWR)
    try:
        assert api.wait(first, seconds=120)["status"]["code"] == COMPLETED
    finally:
        os.close(opened)
    assert_its_own(first, place, "dsm")
    assert_its_own(second, f"{place}{second}/", "dtm")
    # Nobody writes there now.
    third = run("dtm")
    assert api.wait(third, seconds=120)["status"]["code"] == COMPLETED
    assert_its_own(third, place, "dtm")


def test_pyodm_s_upload_is_staged_and_run_under_its_own_names(running, flight, tmp_path):
    node = Node(*host_and_port(running.server.url))
    task = node.create_task([str(path) for path in flight.everything], {"dtm": True}, name="flight", parallel_uploads=4)
    task.wait_for_completion(interval=0.3)
    info = task.info()
    assert info.images_count == 41
    path = task.download_zip(str(tmp_path))
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        images = {entry["filename"] for entry in json.loads(packed.read("images.json"))}
        arguments = json.loads(packed.read("log.json"))["arguments"]
    assert images == {file.name for file in flight.everything if file.name.lower().endswith((".jpg", ".jpeg", ".tif"))}
    assert "--dtm" in arguments
    assert running.cluster.runs(workflow_of(task.uuid)) == 1
    assert not [path for path in running.server.storage_folder.rglob("*") if path.is_file()], "nothing touches its disk"


def test_everything_in_one_request(running, api):
    uuid = api.new(pictures(3) + [("gcp_list.txt", b"EPSG:4326\n")], name="one request")["uuid"]
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    arguments = json.loads(zipped(api.download(uuid).content).read("log.json"))["arguments"]
    assert any(word.endswith("gcp_list.txt") for word in arguments), arguments
    assert api.task(uuid)["imagesCount"] == 3
    assert "s3OutputPath" not in api.task(uuid), "the gateway's own place is nobody's business"


def test_an_http_zip_is_unpacked_into_the_bucket_and_run(running, api):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in pictures(4):
            archive.writestr(f"folder/{name}", body)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(buffer.getvalue())))
            self.end_headers()
            self.wfile.write(buffer.getvalue())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        uuid = api.new(zipurl=f"http://127.0.0.1:{server.server_port}/images.zip")["uuid"]
        assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    finally:
        server.shutdown()
        server.server_close()
    images = json.loads(zipped(api.download(uuid).content).read("images.json"))
    assert {image["filename"] for image in images} == {name for name, _ in pictures(4)}


def test_values_reach_the_engine_to_the_letter(running, api):
    value = json.dumps({"nasty": NASTY}, ensure_ascii=False) + "\n"
    uuid = api.submit(pictures(2), options=json.dumps([{"name": "cameras", "value": value}]))
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    arguments = json.loads(zipped(api.download(uuid).content).read("log.json"))["arguments"]
    assert arguments[arguments.index("--cameras") + 1] == value
    assert not pathlib.Path("/tmp/owned").exists()
    manifest = json.dumps(running.cluster.workflow(workflow_of(uuid)))
    assert "it's" not in manifest and "touch" not in manifest, "no text of a user stands in a manifest"


def test_names_that_are_no_keys(running, api):
    """Uploaded files lie under the gateway's own names; the engine gets theirs."""
    files = [("it's $(a) {{b}}.jpg", jpeg(1)), ("ü ; --x.JPG", jpeg(2)), ("-rf.jpg", jpeg(3))]
    uuid = api.submit(files)
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    images = {image["filename"] for image in json.loads(zipped(api.download(uuid).content).read("images.json"))}
    assert len(images) == 3 and any("it" in name and name != "it" for name in images), images
    assert not any(re.fullmatch("[0-9a-f]{24}", name) for name in images), images


def test_the_engine_s_end_is_told_in_words(running, api):
    running.cluster.script(name="odm-*", times=1, pods=[{"outcome": "exit", "exitCode": 1}])
    uuid = api.submit(pictures(2))
    failed = api.wait(uuid, seconds=120)
    assert failed["status"] == {"code": FAILED, "errorMessage": "Cannot process dataset"}, failed["status"]
    assert any("could not process" in line for line in api.output(uuid)), api.output(uuid)
    assert error_of(api.download(uuid).json())


# Its results.


@pytest.fixture(scope="module")
def finished(running):
    """The uuid of a task with results."""
    uuid = running.server.api.submit(pictures(3), options='[{"name":"dsm","value":true}]')
    assert running.server.api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    return uuid


def test_single_assets_by_their_short_names_and_paths(running, api, finished):
    place = f"{OWN}{finished}/attempt-1/"
    results = running.store.files(place)
    for asset, name in [("orthophoto.tif", "odm_orthophoto/odm_orthophoto.tif"), ("dsm.tif", "odm_dem/dsm.tif"),
                        ("dtm.tif", "odm_dem/dtm.tif"), ("all.zip", "all.zip"), ("odm_report/report.pdf",) * 2]:
        answer = api.download(finished, asset)
        assert answer.status_code == 200 and answer.content == results[name], asset
    for asset in ["nothing.tif", "../secret", "_DONE.json", "odm_dem/../../x"]:
        answer = api.get(f"/task/{finished}/download/{asset.replace('..', '%2e%2e')}")
        assert "error" in answer.json(), asset
    shown = plain(api.get(f"/task/{finished}/assets?includeAdditional=true"))
    assert {entry["key"] if "key" in entry else entry["name"] for entry in shown["files"]} >= {"odm_dem/dsm.tif", "all.zip"}


def test_ranges_of_a_result(api, finished):
    whole = api.download(finished)
    etag = whole.headers["ETag"]
    part = api.download(finished, headers={"Range": "bytes=10-19", "If-Range": etag})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.content)}"
    assert api.download(finished, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    assert api.download(finished, headers={"If-None-Match": etag}).status_code == 304
    assert api.call("HEAD", f"/task/{finished}/download/all.zip").headers["Content-Length"] == str(len(whole.content))


def test_restart_is_a_new_attempt_under_the_same_uuid(running, api):
    uuid = api.submit(pictures(2), options='[{"name":"dsm","value":true}]')
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    assert api.act("restart", uuid, options='[{"name":"dtm","value":true},{"name":"rerun-from","value":"dataset"}]') == {"success": True}
    eventually("it runs again", lambda: running.cluster.runs(workflow_of(uuid, 2)) == 1)
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    arguments = json.loads(zipped(api.download(uuid).content).read("log.json"))["arguments"]
    assert "--dtm" in arguments and "--dsm" not in arguments and "--rerun-from" not in arguments
    names = {name.split("/")[0] for name in running.store.files(f"{OWN}{uuid}/")}
    assert {"attempt-1", "attempt-2", "input"} <= names
    eventually("the old workflow is deleted", lambda: running.cluster.workflow(workflow_of(uuid)) is None)
    # There is no project to go on with.
    assert "upload again" in error_of(api.act("restart", uuid, options='[{"name":"rerun-from","value":"odm_dem"}]'))


def test_a_restart_in_a_client_s_place_writes_to_it_again(running, api):
    uuid = api.new(zipurl=FLIGHT)["uuid"]
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    assert api.act("restart", uuid) == {"success": True}
    eventually("it runs again", lambda: running.cluster.runs(f"{uuid}-r2") == 1)
    done = api.wait(uuid, seconds=120)
    assert done["status"]["code"] == COMPLETED and done["s3OutputPath"] == "s3://mybucket/drone-images-output/"
    marker = json.loads(running.store.files(done["s3OutputPath"])["_DONE.json"])
    assert (marker["task"], marker["attempt"]) == (uuid, 2)


def test_remove_deletes_what_is_the_gateway_s_alone(running, api):
    uploaded = api.submit(pictures(2))
    named = api.new(readS3Path=FLIGHT, writeS3Path="s3://mybucket/wanted/")["uuid"]
    for uuid in (uploaded, named):
        assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
        assert api.act("remove", uuid) == {"success": True}
        assert "error" in api.task(uuid)
        eventually("its workflow is deleted", lambda: running.cluster.workflow(workflow_of(uuid)) is None)
    eventually("its files are deleted", lambda: not running.store.files(f"{OWN}{uploaded}/"))
    assert "all.zip" in running.store.files("s3://mybucket/wanted/")
    assert "IMG_0001.JPG" in running.store.files(FLIGHT)


def seeded():
    """A `seed.zip`: what an earlier run left, and an image of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("opensfm/tracks.csv", b"tracks")
        archive.writestr("images/SEED_0001.JPG", jpeg(77))
    return buffer.getvalue()


SIDE_FILES = [("gcp_list.txt", GCP), ("geo.txt", b"EPSG:4326\n"), ("image_groups.txt", b"IMG_0001.JPG a\n"), ("align.laz", b"LASF")]


def flight_by(way, store, api):
    """A task with all side files, uploaded (with a seed) or lying beside its images in S3: its uuid, and what was sent."""
    files = [*pictures(2), *SIDE_FILES]
    if way == "place":
        store.put("s3://mybucket/whole/", files)
        return api.new(zipurl="s3://mybucket/whole/")["uuid"], files
    files.append(("seed.zip", seeded()))
    return api.submit(files), files


@pytest.mark.parametrize("way", ["upload", "place"])
def test_side_files_reach_the_engine_of_a_cluster(running, api, way):
    """Ground control, geo, image groups, align and a seed. (Another ScaleODM takes none: item 53.)"""
    uuid, files = flight_by(way, running.store, api)
    assert api.wait(uuid, seconds=120)["status"]["code"] == COMPLETED
    packed = zipped(api.download(uuid).content)
    wanted = {name: sha256(body) for name, body in files if name != "seed.zip"}
    if way == "upload":
        wanted["SEED_0001.JPG"] = sha256(jpeg(77))
    assert json.loads(packed.read("odm_report/inputs.json")) == wanted
    arguments = json.loads(packed.read("log.json"))["arguments"]
    for option, name in [("--gcp", "gcp_list.txt"), ("--geo", "geo.txt"), ("--split-image-groups", "image_groups.txt"),
                         ("--align", "align.laz")]:
        assert arguments[arguments.index(option) + 1].endswith("/" + name), arguments


@pytest.mark.parametrize("way", ["upload", "place"])
def test_side_files_reach_a_node(world, way):
    store = world.s3(buckets=("data", "mybucket"))
    node = world.node(task_seconds=0.2)
    api = world.gateway([node], settings(store)).api
    uuid, files = flight_by(way, store, api)
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    there, = node.starts()
    assert node.files(there) == sorted((name, sha256(body)) for name, body in files)


@pytest.mark.parametrize("face", ["argo-server", "kubernetes"])
def test_item_61_lines_keep_their_numbers_over_pods_that_are_gone(world, tmp_path, face):
    """The gateway is away while the run ends and its pod is collected: what was read stays, and the rest comes from the store."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    store = world.s3(buckets=("data", "mybucket"))
    cluster = world.argo(s3=store, execute=True)
    # The manifest keeps pods for ten minutes.
    cluster.set(timeScale=0.001)
    cluster.script(name="odm-*", times=1, pods=[{"environment": {"FAKE_ODM_GATE": str(gate)}}])
    gateway = world.gateway([cluster.backend(face)], settings(store))
    uuid = gateway.api.submit(pictures(2))
    before = eventually("lines come", lambda: (lines := gateway.api.output(uuid)) and any("Running" in line for line in lines) and lines)
    gateway.kill()
    opened = os.open(gate, os.O_RDWR)
    try:
        eventually("it has ended", lambda: cluster.effects("endedSucceeded").get(workflow_of(uuid)), 120)
    finally:
        os.close(opened)
    pods = f"/api/v1/namespaces/{cluster.namespace}/pods?labelSelector=workflows.argoproj.io/workflow={workflow_of(uuid)}"
    eventually("its pods are gone", lambda: not cluster.call("GET", pods).json()["items"], 60)
    gateway.start()
    assert gateway.api.wait(uuid, seconds=90)["status"]["code"] == COMPLETED
    lines = gateway.api.output(uuid)
    assert lines[:len(before)] == before
    written = store.files(f"{OWN}{uuid}/attempt-1/")["task_output.txt"].decode().splitlines()
    assert [line for line in lines if line in written] == written, "none is missing, and none is there twice"


# What happens in a cluster: pods that act by the clock.


@pytest.fixture(scope="module")
def scripted(scratch):
    """A gateway over a cluster whose pods act by the clock."""
    from conftest import World

    world = World(scratch / "argo-scripted")
    world.folder.mkdir()
    world.store = world.s3(buckets=("data", "mybucket"))
    world.cluster = world.argo(s3=world.store, parallelism=20)
    world.server = world.gateway([world.cluster], settings(world.store))
    world.store.put(FLIGHT, pictures(5))
    yield world
    world.close()


@pytest.fixture
def acting(scripted):
    """The same, with everything in order before and after a test."""
    yield scripted
    scripted.cluster.clear_faults()
    scripted.cluster.partition("")


def test_out_of_memory_gets_one_more_attempt_with_more(acting):
    api, cluster = acting.server.api, acting.cluster

    def memory(name):
        main = next(t for t in cluster.workflow(name)["spec"]["templates"] if t["name"] == "main")
        process = next(c for c in main["containerSet"]["containers"] if c["name"] == "process")
        return process["resources"]["limits"]["memory"]

    cluster.script(name="odm-*", times=1, pods=[{"outcome": "oom"}])
    uuid = api.submit(pictures(2))
    done = api.wait(uuid)
    assert done["status"]["code"] == COMPLETED, done
    assert memory(workflow_of(uuid, 2)) == f"{2 * int(memory(workflow_of(uuid))[:-2])}Gi"
    assert api.download(uuid).status_code == 200
    # One more, not two.
    cluster.script(name="odm-*", times=2, pods=[{"outcome": "oom"}])
    uuid = api.submit(pictures(2))
    failed = api.wait(uuid)
    assert failed["status"] == {"code": FAILED, "errorMessage": "Not enough memory"}, failed
    assert [cluster.runs(workflow_of(uuid, n)) for n in (1, 2, 3)] == [1, 1, 0]


@pytest.mark.parametrize("outcome, words", [("imagePull", "can't be pulled"), ("missingSecret", "can't be set up")])
def test_what_can_never_start_fails_with_its_reason(acting, outcome, words):
    api, cluster = acting.server.api, acting.cluster
    cluster.script(name="odm-*", times=1, pods=[{"outcome": outcome}])
    # To the gateway it looks as if it had been so for an hour.
    cluster.set(clockShift=-3600)
    try:
        uuid = api.submit(pictures(2))
        failed = api.wait(uuid)
    finally:
        cluster.set(clockShift=0)
    assert failed["status"]["code"] == FAILED and words in failed["status"]["errorMessage"], failed


def test_a_run_beyond_its_deadline_fails_with_that_reason(acting):
    api, cluster = acting.server.api, acting.cluster
    # Of two days some seconds are left.
    cluster.set(timeScale=0.00002)
    cluster.script(name="odm-*", times=1, pods=[{"outcome": "hold"}])
    try:
        uuid = api.submit(pictures(2))
        failed = api.wait(uuid, seconds=90)
    finally:
        cluster.set(timeScale=1.0)
    assert failed["status"] == {"code": FAILED, "errorMessage": "The task took longer than its deadline allows"}
    assert cluster.runs(workflow_of(uuid)) == 1 and cluster.runs(workflow_of(uuid, 2)) == 0


def test_cancel_shows_at_once_and_ends_the_pods(acting):
    api, cluster = acting.server.api, acting.cluster
    cluster.script(name="odm-*", times=1, pods=[{"outcome": "hold"}])
    uuid = api.submit(pictures(2))
    api.wait(uuid, RUNNING)
    eventually("it runs", lambda: cluster.pods(workflow_of(uuid)) == 1)
    assert api.act("cancel", uuid) == {"success": True}
    assert api.code(uuid) == CANCELED
    eventually("the cluster ends it", lambda: cluster.workflow(workflow_of(uuid))["spec"].get("shutdown") == "Terminate")
    assert api.wait(uuid)["status"]["code"] == CANCELED
    # A cancel keeps the workflow, and its task can be restarted.
    assert cluster.workflow(workflow_of(uuid)) is not None
    assert api.act("restart", uuid) == {"success": True}
    assert api.wait(uuid, COMPLETED)["status"]["code"] == COMPLETED


def test_results_that_are_missing_fail_the_task(acting):
    api, cluster = acting.server.api, acting.cluster
    cluster.script(name="odm-*", times=1, pods=[{"results": False}])
    uuid = api.submit(pictures(2))
    eventually("it has ended", lambda: cluster.effects("endedSucceeded").get(workflow_of(uuid)))
    api.wait(uuid, RUNNING)
    failed = api.wait(uuid, seconds=90)
    assert failed["status"]["code"] == FAILED and "results are missing" in failed["status"]["errorMessage"], failed


def test_item_61_output_lines_keep_their_numbers(acting):
    api, cluster = acting.server.api, acting.cluster
    lines = [f"line {number}" for number in range(100)]
    cluster.script(name="odm-*", times=1, pods=[{"lines": lines, "seconds": 1.5}])
    uuid = api.submit(pictures(2))
    seen = []

    def read():
        seen.extend(api.output(uuid, line=len(seen)))
        return api.code(uuid) == COMPLETED

    eventually("it ends", read)
    seen.extend(api.output(uuid, line=len(seen)))
    assert [line for line in seen if line.startswith("line ")] == lines
    assert seen == api.output(uuid)


def test_a_token_that_rotates(acting):
    api, cluster = acting.server.api, acting.cluster
    assert api.wait(api.submit(pictures(2)))["status"]["code"] == COMPLETED
    cluster.token_file.write_text("another-token\n", encoding="utf-8")
    assert api.wait(api.submit(pictures(2)))["status"]["code"] == COMPLETED


def test_a_server_that_answers_html_holds_tasks_and_loses_none(acting):
    api, cluster = acting.server.api, acting.cluster
    cluster.fault(path="*", status=200, body="<html>Sign in</html>", headers={"Content-Type": "text/html"})
    uuid = api.submit(pictures(2))
    eventually("it is offline", lambda: not acting.server.backends()[0]["online"])
    assert api.code(uuid) in (QUEUED, RUNNING)
    cluster.clear_faults()
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert sum(cluster.runs(workflow_of(uuid, number)) for number in (1, 2, 3)) == 1


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_create_without_an_answer_is_settled_by_looking(acting, drop):
    api, cluster = acting.server.api, acting.cluster
    cluster.fault(method="POST", path="/api/v1/workflows/*", count=1, drop=drop)
    uuid = api.submit(pictures(2))
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert cluster.runs(workflow_of(uuid)) == 1 and cluster.runs(workflow_of(uuid, 2)) == 0


def test_a_refused_manifest_is_counted_and_told(acting):
    api, cluster = acting.server.api, acting.cluster
    cluster.fault(method="POST", path="/api/v1/workflows/*", count=1, status=400,
                  body='{"code":3,"message":"templates.main is no good"}')
    uuid = api.submit(pictures(1))
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert cluster.runs(workflow_of(uuid, 2)) == 1


def test_bad_places_are_refused_in_words(acting):
    api = acting.server.api
    assert "no such bucket" in error_of(api.new(zipurl="s3://absent/x/"))
    assert "Not enough images" in error_of(api.new(zipurl="s3://mybucket/empty/"))
    assert "odmImage" in error_of(api.new(readS3Path=FLIGHT, odmImage="evil/odm:1"))


@pytest.mark.heavy
@pytest.mark.timeout(500)
def test_item_64_a_workflow_deleted_by_hand_fails_with_its_reason(acting):
    """Confirmed over five minutes, as the rules want it."""
    api, cluster = acting.server.api, acting.cluster
    cluster.script(name="odm-*", times=1, pods=[{"outcome": "hold"}])
    uuid = api.submit(pictures(2))
    eventually("it runs", lambda: cluster.pods(workflow_of(uuid)) == 1)
    api.wait(uuid, RUNNING)
    eventually("it has started", lambda: "_STARTED.json" in acting.store.files(f"{OWN}{uuid}/attempt-1/"))
    cluster.vanish(workflow_of(uuid))
    failed = api.wait(uuid, seconds=420)
    assert failed["status"]["code"] == FAILED and "removed from the cluster" in failed["status"]["errorMessage"]


# Several clusters.


def test_the_same_task_falls_back_to_a_node(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    cluster = world.argo(s3=s3)
    node = world.node(max_parallel=4, task_seconds=0.2, init_seconds=0)
    gateway = world.gateway([cluster, {**node.backend(), "tier": 1}], settings(s3))
    s3.put(FLIGHT, pictures(3))
    cluster.partition("refuse")
    eventually("the cluster is offline", lambda: not gateway.backends()[0]["online"])
    uuid = gateway.api.new(zipurl=FLIGHT)["uuid"]
    upload = gateway.api.submit(pictures(3))
    for task in (uuid, upload):
        assert gateway.api.wait(task)["status"]["code"] == COMPLETED
        assert gateway.api.download(task).content[:2] == b"PK"
    assert cluster.runs() == {} and node.starts(upload) == 1


def test_clusters_and_nodes_share_the_work_by_tier(world, photos):
    s3 = world.s3(buckets=("data", "mybucket"))
    clusters = [world.argo(s3=s3, run_seconds=5) for _ in range(2)]
    nodes = [world.node(max_parallel=1, task_seconds=0.5, init_seconds=0) for _ in range(2)]
    gateway = world.gateway(
        [*(cluster.backend(max_parallel_tasks=2) for cluster in clusters), *({**node.backend(), "tier": 1} for node in nodes)],
        settings(s3, scheduling={"spill_after": "3s"}))
    eventually("all are online", lambda: all(backend["online"] for backend in gateway.backends()))
    s3.put(FLIGHT, pictures(3))
    # First as many as the first tier has slots for, then more.
    first = [gateway.api.submit(photos[:3]) for _ in range(4)]
    eventually("the clusters have them", lambda: sum(len(cluster.runs()) for cluster in clusters) == 4)
    assert sorted(len(cluster.runs()) for cluster in clusters) == [2, 2] and not any(node.starts(u) for node in nodes for u in first)
    uuids = first + [gateway.api.submit(photos[:3]) for _ in range(4)] + [gateway.api.new(zipurl=FLIGHT)["uuid"] for _ in range(4)]
    for uuid in uuids:
        assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
        assert zipped(gateway.api.download(uuid).content).testzip() is None
    assert all(cluster.runs() for cluster in clusters)
    assert any(node.journal()["files"] for node in nodes), "the second tier was used too"


def test_redirected_downloads(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    cluster = world.argo(s3=s3)
    gateway = world.gateway([cluster.backend(downloads="redirect")], settings(s3))
    uuid = gateway.api.submit(pictures(1))
    gateway.api.wait(uuid)
    answer = gateway.api.download(uuid, allow_redirects=False)
    assert answer.status_code == 302 and answer.headers["Location"].startswith(s3.url)
    assert gateway.api.download(uuid).content == s3.files(f"{OWN}{uuid}/attempt-1/")["all.zip"]


def test_a_gateway_that_was_killed_goes_on(world):
    s3 = world.s3()
    cluster = world.argo(s3=s3, run_seconds=2)
    gateway = world.gateway([cluster], settings(s3))
    uuids = [gateway.api.submit(pictures(1)) for _ in range(4)]
    gateway.restart_after_kill()
    for uuid in uuids:
        assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
        assert gateway.api.download(uuid).content[:2] == b"PK"
    assert sorted(cluster.runs().values()) == [1, 1, 1, 1]


@pytest.mark.parametrize("api", ["argo-server", "kubernetes"])
def test_the_probe_says_what_it_sees(world, tmp_path, api):
    s3 = world.s3()
    cluster = world.argo(s3=s3, tls=True)
    file = tmp_path / "gateway.yaml"
    settings_ = {"database": "sqlite:data/scaleodm.db", "storage": {"s3": s3.settings(), "directory": str(tmp_path / "data")}}
    file.write_text(yaml({**settings_, "backends": [cluster.backend(api)]}), encoding="utf-8")
    done = command("check", file, "--probe")
    assert done.returncode == 0 and f"backend {cluster.name}" in done.stdout and "of 10 slots busy" in done.stdout, done
    cluster.token_file.write_text("other\n", encoding="utf-8")
    file.write_text(yaml({**settings_, "backends": [{**cluster.backend(api), "token_file": None, "token": "wrong"}]}))
    done = command("check", file, "--probe")
    assert done.returncode == 1 and "FAILED" in done.stdout and "token" in done.stdout, done.stdout
    template = tmp_path / "template.yaml"
    template.write_text("kind: Workflow\n", encoding="utf-8")
    broken = cluster.backend(api, options_file="absent.json", workflow={"template_file": str(template)})
    file.write_text(yaml({**settings_, "backends": [broken]}), encoding="utf-8")
    done = command("check", file)
    assert done.returncode == 1 and "absent.json can't be read" in done.stderr and "template.yaml" in done.stderr, done.stderr
    file.write_text(yaml({"backends": [cluster.backend(api)]}), encoding="utf-8")
    done = command("check", file)
    assert done.returncode == 1 and "needs `storage.s3`" in done.stderr, done.stderr

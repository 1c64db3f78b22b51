"""The description of the API that ScaleODM's users were given, over an Argo cluster, in its own order.

Each endpoint, table row, curl line and Python example of it is run here. Where it contradicts NodeODM, whose clients come too, the
contract's section 12.1 decides: a test that rests on such a decision says (12.1) and what holds instead of what was written.
The Deployment of its step 3 is in test_without_a_file.py; that several clusters are one federation, in test_federation.py.
"""

import json
import re
import shlex
import subprocess

import boto3
import pytest
import requests

from harness.api import CANCELED, COMPLETED, FAILED, QUEUED, RUNNING, error_of, plain
from harness.images import jpeg
from harness.s3 import Place
from harness.waiting import eventually

pytestmark = [pytest.mark.only("gateway"), pytest.mark.timeout(400)]

#: Seconds for a task that waits for its turn on a loaded machine.
PATIENCE = 150
NAME = re.compile(r"odm-pipeline-[bcdfghjklmnpqrstvwxz2456789]{10}")
PICTURES = [(f"img{number}.jpg", jpeg(number)) for number in range(1, 4)]


@pytest.fixture(scope="module")
def setting(scratch):
    """A gateway over one cluster, and the buckets of the description's examples."""
    from conftest import World

    world = World(scratch / "handed-over")
    world.folder.mkdir()
    world.store = world.s3(buckets=("data", "mybucket", "test-bucket", "bucket"))
    world.cluster = world.argo(s3=world.store, parallelism=20)
    world.server = world.gateway([world.cluster], {"storage": {"s3": world.store.settings()}})
    for place in ("s3://mybucket/drone-images/", "s3://test-bucket/images/", "s3://bucket/images/",
                  "s3://mybucket/project-123/input/"):
        world.store.put(place, PICTURES)
    yield world
    world.close()


@pytest.fixture
def api(setting):
    return setting.server.api


@pytest.fixture
def curl(setting):
    """Runs a curl line of the description against this gateway; a uuid takes the place of the one in it. JSON comes back."""

    def run(line, uuid=""):
        line = line.replace("http://localhost:31100", setting.server.url)
        for example in ("{uuid}", "odm-pipeline-abc123"):
            line = line.replace(example, uuid)
        words = shlex.split(line.replace("\\\n", " "))
        done = subprocess.run([*words, "--silent", "--show-error", "--fail-with-body"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    return run


@pytest.fixture
def python(setting, tmp_path, monkeypatch):
    """Runs a Python example; `true`, which stands in them as in JSON, is Python's."""
    s3 = boto3.client("s3", endpoint_url=setting.store.url, aws_access_key_id=setting.store.access_key,
                      aws_secret_access_key=setting.store.secret_key, region_name="us-east-1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "img1.jpg").write_bytes(PICTURES[0][1])

    def run(text, **names):
        for host in ("http://nodeodm:3000", "http://scaleodm:31100"):
            text = text.replace(host, setting.server.url)
        scope = {"requests": requests, "json": json, "s3": s3, "true": True, **names}
        exec(compile(text, "example", "exec"), scope)
        return scope

    return run


@pytest.fixture
def place(setting, request):
    """Images at a place of the test's own: tasks that share an input without naming an output share that, too."""
    made = f"s3://mybucket/{request.node.name.partition('[')[0]}/"
    setting.store.put(made, PICTURES)
    return made


@pytest.fixture
def held(setting, place):
    """Makes a task whose pod runs until it is stopped."""

    def make(**fields):
        setting.cluster.script(name="odm-*", times=1, pods=[{"outcome": "hold"}])
        uuid = setting.server.api.new(zipurl=place, **fields)["uuid"]
        eventually("its pod is there", lambda: setting.cluster.pods(uuid) == 1, PATIENCE)
        return uuid

    return make


def ended(api, uuid):
    return api.wait(uuid, seconds=PATIENCE)


# Implemented Endpoints › Server Information


def test_get_info(api, held):
    info = api.info()
    # (12.1) The version is the API's own, three integers as NodeODM's clients compare them; the image's tag is the engine's version.
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["version"]) and tuple(map(int, info["version"].split("."))) >= (2, 2, 0)
    assert (info["engine"], info["engineVersion"]) == ("odm", "3.6.0")
    assert info["maxImages"] is None
    before = info["taskQueueCount"]
    uuid = held()
    eventually("it is counted", lambda: api.info()["taskQueueCount"] == before + 1)
    api.act("cancel", uuid)


def test_get_options(api):
    options = {option["name"]: option for option in api.options()}
    assert all(set(option) == {"name", "type", "value", "domain", "help"} for option in options.values())
    assert len(options) > 50, "all of the engine's, not some"
    shown = options["fast-orthophoto"]
    # (12.1) The domain of a boolean is empty, as NodeODM has it; it is taken as `bool` from others.
    assert (shown["type"], shown["value"], shown["domain"]) == ("bool", "false", "") and shown["help"]


# Implemented Endpoints › POST /task/new: the table of parameters


def test_parameter_name(api, place):
    assert ended(api, api.new(zipurl=place, name="my-project")["uuid"])["name"] == "my-project"
    assert isinstance(ended(api, api.new(zipurl=place)["uuid"])["name"], str), "optional"


def test_parameter_options(api, place):
    uuid = api.new(zipurl=place, options='[{"name": "fast-orthophoto", "value": true}]')["uuid"]
    assert {"name": "fast-orthophoto", "value": True} in ended(api, uuid)["options"]
    assert "error" in api.new(zipurl=place, options="fast-orthophoto")


def test_parameter_zipurl(setting, api):
    uuid = api.new(zipurl="s3://bucket/images/")["uuid"]
    assert api.task(uuid)["s3InputPath"] == "s3://bucket/images/"
    assert ended(api, uuid)["status"]["code"] == COMPLETED
    # (12.1) Not required: files do as well. With neither there is nothing to do.
    assert ended(api, api.new(PICTURES)["uuid"])["status"]["code"] == COMPLETED
    assert error_of(api.new()) == "Need at least 1 file or a zip file url."


def test_parameter_webhook(api, world, place):
    receiver = world.receiver()
    uuid = api.new(zipurl=place, webhook=receiver.url + "/called-back")["uuid"]
    post, = receiver.wait_for(1)
    body = json.loads(post["body"])
    assert post["path"] == "/called-back" and (body["uuid"], body["statusCode"]) == (uuid, COMPLETED)


@pytest.mark.parametrize("skips", [False, True])
def test_parameter_skip_post_processing(setting, api, place, skips):
    """Whether the engine is asked for point cloud tiles."""
    uuid = api.new(zipurl=place, skipPostProcessing="true" if skips else None)["uuid"]
    assert ended(api, uuid)["status"]["code"] == COMPLETED
    asked = json.loads(api.download(uuid, "log.json").content)["options"]
    assert ("--pc-ept" in asked) != skips, asked


def test_the_curl_line_and_the_answer_of_task_new(curl, api):
    made = curl("""curl -X POST http://localhost:31100/task/new \\
  -F "name=my-project" \\
  -F "zipurl=s3://mybucket/drone-images/" \\
  -F 'options=[{"name":"fast-orthophoto","value":true},{"name":"dsm","value":true}]'""")
    assert set(made) == {"uuid"} and NAME.fullmatch(made["uuid"])
    assert ended(api, made["uuid"])["status"]["code"] == COMPLETED


# Implemented Endpoints › the task's own


def test_get_task_list(api, place):
    made = [api.new(zipurl=place)["uuid"], api.submit(PICTURES)]
    listed = plain(api.get("/task/list"))
    assert all(set(entry) == {"uuid"} for entry in listed)
    assert [entry["uuid"] for entry in listed if entry["uuid"] in made] == made
    for uuid in made:
        assert ended(api, uuid)["status"]["code"] == COMPLETED


def test_get_task_info(setting, api, held):
    uuid = held(name="my-project", options='[{"name":"fast-orthophoto","value":true}]')
    eventually("its console comes", lambda: len(api.output(uuid)) > 2)
    info = api.task(uuid)
    assert (info["uuid"], info["name"], info["status"]) == (uuid, "my-project", {"code": RUNNING})
    assert {"name": "fast-orthophoto", "value": True} in info["options"]
    # (12.1) Milliseconds; and the images are counted, where the description says 0.
    assert info["dateCreated"] > 10 ** 12 and info["imagesCount"] == 3
    eventually("it takes time", lambda: api.task(uuid)["processingTime"] > 0)
    assert 0 < eventually("it comes forward", lambda: api.task(uuid)["progress"]) < 100
    assert "output" not in info
    # The query parameter with_output: the line from which the console is shown.
    whole = api.output(uuid)
    assert api.task(uuid, 0)["output"][:len(whole)] == whole
    assert api.task(uuid, 2)["output"][:len(whole) - 2] == whole[2:]
    api.act("cancel", uuid)


def test_get_task_output(api, place):
    uuid = api.new(zipurl=place)["uuid"]
    ended(api, uuid)
    lines = eventually("its console is whole", lambda: (found := api.output(uuid)) and "finished" in found[-1] and found)
    # (12.1) An array of lines; the block of text that the description shows comes to who asks for text.
    assert isinstance(lines, list)
    text = api.get(f"/task/{uuid}/output", headers={"Accept": "text/plain"})
    assert text.text == "".join(line + "\n" for line in lines) and text.headers["Content-Type"].startswith("text/plain")
    # The query parameter line, 0 by default.
    assert api.output(uuid, 0) == lines and api.output(uuid, 2) == lines[2:]


def test_post_task_cancel(setting, api, held):
    uuid = held()
    api.wait(uuid, RUNNING)
    assert plain(api.post("/task/cancel", json={"uuid": uuid})) == {"success": True}
    assert api.code(uuid) == CANCELED


def test_post_task_remove(setting, api):
    """With all its assets, as far as they are the gateway's: what a client owns stays (12.1)."""
    uploaded = api.submit(PICTURES)
    ended(api, uploaded)
    assert plain(api.post("/task/remove", json={"uuid": uploaded})) == {"success": True}
    assert error_of(plain(api.get(f"/task/{uploaded}/info"))) == f"{uploaded} not found"
    own = Place.parse(f"s3://data/scaleodm/{uploaded}/")
    eventually("its files are gone", lambda: not list(setting.store.storage.list(own)))
    named = api.new(zipurl="s3://bucket/images/")["uuid"]
    ended(api, named)
    assert plain(api.post("/task/remove", json={"uuid": named})) == {"success": True}
    eventually("its workflow is gone", lambda: setting.cluster.workflow(named) is None)
    assert set(dict(PICTURES)) <= set(setting.store.files("s3://bucket/images/"))
    assert "all.zip" in setting.store.files("s3://bucket/images-output/")


def test_post_task_restart(setting, api, place):
    """A failed one and a completed one, with options as JSON text; the uuid stays (12.1)."""
    setting.cluster.script(name="odm-*", times=1, pods=[{"outcome": "exit", "exitCode": 1}])
    uuid = api.new(zipurl=place)["uuid"]
    assert ended(api, uuid)["status"]["code"] == FAILED
    for run in (2, 3):
        restarted = api.post("/task/restart", json={"uuid": uuid, "options": '[{"name":"dsm","value":true}]'})
        assert plain(restarted) == {"success": True}
        eventually("it runs again", lambda: setting.cluster.runs(f"{uuid}-r{run}") == 1)
        assert ended(api, uuid)["status"]["code"] == COMPLETED
        assert {"name": "dsm", "value": True} in api.task(uuid)["options"]


@pytest.fixture(scope="module")
def finished(setting):
    uuid = setting.server.api.new(zipurl="s3://mybucket/project-123/input/")["uuid"]
    assert ended(setting.server.api, uuid)["status"]["code"] == COMPLETED
    return uuid


@pytest.mark.parametrize("asset, key", [("all.zip", "all.zip"), ("orthophoto.tif", "odm_orthophoto/odm_orthophoto.tif"),
                                        ("dsm.tif", "odm_dem/dsm.tif"), ("dtm.tif", "odm_dem/dtm.tif")])
def test_get_task_download(setting, api, finished, asset, key):
    """(12.1) The file itself, not its place."""
    results = setting.store.files(api.task(finished)["s3OutputPath"])
    answer = api.download(finished, asset)
    assert answer.status_code == 200 and answer.content == results[key]


# Key Differences from Standard NodeODM


def test_the_structure_in_s3(setting, api, finished):
    """Outputs are written to S3 automatically. (12.1) Beside the images as `input-output/`; info says where."""
    assert api.task(finished)["s3OutputPath"] == "s3://mybucket/project-123/input-output/"
    assert {"odm_orthophoto/odm_orthophoto.tif", "odm_dem/dsm.tif"} <= set(
        setting.store.files("s3://mybucket/project-123/input-output/"))
    # Who wants `output/` beside `input/` says so.
    places = {"readS3Path": "s3://mybucket/project-123/input/", "writeS3Path": "s3://mybucket/project-123/output/"}
    uuid = plain(api.post("/task/new", json=places))["uuid"]
    assert ended(api, uuid)["status"]["code"] == COMPLETED
    assert "odm_orthophoto/odm_orthophoto.tif" in setting.store.files("s3://mybucket/project-123/output/")


def test_the_uuid_is_the_workflow_s_name(setting, api, finished):
    """As `kubectl get workflows` lists it. (12.1) Of uploads the uuid is NodeODM's, and the workflow is called after it."""
    assert finished in [workflow["metadata"]["name"] for workflow in setting.cluster.workflows()]
    uploaded = api.submit(PICTURES)
    eventually("it is there", lambda: setting.cluster.runs(f"odm-pipeline-{uploaded}") == 1)
    assert ended(api, uploaded)["status"]["code"] == COMPLETED


def test_item_64_row_pending_is_10(setting, api, place):
    """(12.1) Until the cluster has it, it shows 20, as NodeODM does while it takes a task in."""
    setting.cluster.set(pendingSeconds=3600)
    try:
        uuid = api.new(zipurl=place)["uuid"]
        api.wait(uuid, QUEUED)
        eventually("Argo says so", lambda: phase(setting, uuid) == "Pending")
        api.wait(uuid, QUEUED)
    finally:
        setting.cluster.set(pendingSeconds=0.05)
    api.act("cancel", uuid)


def test_item_64_row_running_is_20(setting, api, held):
    uuid = held()
    eventually("Argo says so", lambda: phase(setting, uuid) == "Running")
    api.wait(uuid, RUNNING)
    api.act("cancel", uuid)


def test_item_64_row_succeeded_is_40(setting, api, finished):
    assert (phase(setting, finished), api.code(finished)) == ("Succeeded", COMPLETED)


def test_item_64_row_failed_is_30(setting, api, place):
    setting.cluster.script(name="odm-*", times=1, pods=[{"outcome": "exit", "exitCode": 1}])
    uuid = api.new(zipurl=place)["uuid"]
    failed = ended(api, uuid)["status"]
    assert (phase(setting, uuid), failed["code"]) == ("Failed", FAILED) and failed["errorMessage"]


def test_item_64_row_error_is_30(setting, api, place):
    """Pods that are deleted again and again, until Argo tries no more."""
    setting.cluster.script(name="odm-*", times=1, pods=[{"outcome": "deleted"}])
    setting.cluster.set(timeScale=0.01)
    try:
        uuid = api.new(zipurl=place)["uuid"]
        failed = ended(api, uuid)["status"]
    finally:
        setting.cluster.set(timeScale=1.0)
    assert (phase(setting, uuid), failed["code"]) == ("Error", FAILED) and failed["errorMessage"]


def test_code_50_is_a_task_that_was_cancelled(setting, api, held):
    """(12.1) Its workflow is stopped and not deleted: its console stays."""
    uuid = held()
    api.wait(uuid, RUNNING)
    api.act("cancel", uuid)
    eventually("Argo ends it", lambda: setting.cluster.workflow(uuid)["spec"].get("shutdown") == "Terminate")
    assert api.code(uuid) == CANCELED and api.output(uuid)


def phase(setting, uuid):
    """As `kubectl get workflows` shows it."""
    return setting.cluster.workflow(uuid)["status"].get("phase")


def test_the_token_is_taken_and_not_enforced(api, world, place):
    assert plain(api.get("/info", params={"token": "whatever"}))["engine"] == "odm"
    made = plain(api.post("/task/new", params={"token": "whatever"}, json={"zipurl": place}))["uuid"]
    assert NAME.fullmatch(made) and ended(api, made)["status"]["code"] == COMPLETED
    # (12.1) Enforced where the inventory lists tokens.
    strict = world.gateway([], {"auth": {"tokens": [{"name": "ana", "sha256": "0" * 64}]}})
    assert strict.api.get("/info", params={"token": "whatever"}).status_code == 401


# Migration from NodeODM


def test_step_1_before(python, api):
    """(12.1) What the description calls the way before works here too."""
    scope = python("""
files = {'images': open('img1.jpg', 'rb')}
response = requests.post(
    'http://nodeodm:3000/task/new',
    files=files,
    data={'options': json.dumps([{"name": "dsm", "value": true}])}
)
""")
    scope["files"]["images"].close()
    uuid = plain(scope["response"])["uuid"]
    done = ended(api, uuid)
    assert done["status"]["code"] == COMPLETED and done["imagesCount"] == 1
    assert {"name": "dsm", "value": True} in done["options"]


def test_step_1_after(python, api):
    scope = python("""
# Upload images to S3 first
s3.upload_file('img1.jpg', 'mybucket', 'project/input/img1.jpg')

# Create task pointing to S3
response = requests.post(
    'http://scaleodm:31100/task/new',
    data={
        'zipurl': 's3://mybucket/project/input/',
        'options': json.dumps([{"name": "dsm", "value": true}])
    }
)
""")
    uuid = plain(scope["response"])["uuid"]
    done = ended(api, uuid)
    assert done["status"]["code"] == COMPLETED and done["imagesCount"] == 1
    assert {"name": "dsm", "value": True} in done["options"]


def test_step_2_before(python, finished, tmp_path):
    """(12.1) Downloads go on as with NodeODM."""
    python("""
response = requests.get(f'http://nodeodm:3000/task/{uuid}/download/all.zip')
with open('results.zip', 'wb') as f:
    f.write(response.content)
""", uuid=finished)
    assert (tmp_path / "results.zip").read_bytes()[:2] == b"PK"


def test_step_2_after(python, setting, api, tmp_path):
    """The path is told by info. (12.1) `project/output/` where the client wants it there, and ODM's own names below it."""
    setting.store.put("s3://mybucket/project/input/", PICTURES)
    places = {"readS3Path": "s3://mybucket/project/input/", "writeS3Path": "s3://mybucket/project/output/"}
    uuid = plain(api.post("/task/new", json=places))["uuid"]
    ended(api, uuid)
    scope = python("""
# Get task info to determine S3 path
info = requests.get(f'http://scaleodm:31100/task/{uuid}/info').json()

# Download from S3
s3.download_file('mybucket', 'project/output/odm_orthophoto/odm_orthophoto.tif', 'orthophoto.tif')
""", uuid=uuid)
    assert scope["info"]["s3OutputPath"] == "s3://mybucket/project/output/"
    assert (tmp_path / "orthophoto.tif").read_bytes() == api.download(uuid, "orthophoto.tif").content


# Testing NodeODM Compatibility: each line as it stands there


def test_curl_info(curl):
    assert curl("curl http://localhost:31100/info")["engine"] == "odm"


def test_curl_a_task_from_its_creation_to_its_cancel(setting, curl):
    setting.cluster.script(name="odm-*", times=1, pods=[{"outcome": "hold"}])
    uuid = curl("""curl -X POST http://localhost:31100/task/new \\
  -F "zipurl=s3://test-bucket/images/" \\
  -F 'options=[{"name":"fast-orthophoto","value":true}]'""")["uuid"]
    info = curl("curl http://localhost:31100/task/{uuid}/info", uuid)
    assert info["uuid"] == uuid and info["status"]["code"] in (QUEUED, RUNNING)
    eventually("its pod is there", lambda: setting.cluster.pods(uuid) == 1, PATIENCE)
    assert curl("curl http://localhost:31100/task/{uuid}/output", uuid)
    assert {"uuid": uuid} in curl("curl http://localhost:31100/task/list")
    assert curl("""curl -X POST http://localhost:31100/task/cancel \\
  -H "Content-Type: application/json" \\
  -d '{"uuid": "odm-pipeline-abc123"}'""", uuid) == {"success": True}
    assert curl("curl http://localhost:31100/task/{uuid}/info", uuid)["status"]["code"] == CANCELED


# Not Implemented (Yet): all of it is (12.1).


def test_uploads_by_init_upload_and_commit(api):
    uuid = api.init(name="in pieces")["uuid"]
    for picture in PICTURES:
        assert api.upload(uuid, [picture]) == {"success": True}
    assert api.commit(uuid) == {"uuid": uuid}
    done = ended(api, uuid)
    assert done["status"]["code"] == COMPLETED and done["imagesCount"] == 3


def test_direct_downloads(api, finished):
    answer = api.download(finished, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (206, b"PK")


def test_authentication_endpoints(api):
    assert plain(api.get("/auth/info"))["loginUrl"] is None
    for path in ("/auth/login", "/auth/register"):
        assert error_of(plain(api.post(path))) == "Not available"


def test_images_are_counted(api, finished):
    assert api.task(finished)["imagesCount"] == 3

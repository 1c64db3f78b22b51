"""What ScaleODM's own clients send: images that are in object storage already.

Each curl line and Python example of the description that ScaleODM's users were given runs here, with nodes as backends. Where it
contradicts NodeODM the contract's section 12.1 decides, and the test says so.
"""

import contextlib
import json
import pathlib
import re
import sqlite3

import pytest
import requests

from harness.api import COMPLETED, FAILED, QUEUED, error_of, plain
from harness.images import jpeg, sha256
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

NAME = re.compile(r"odm-pipeline-[bcdfghjklmnpqrstvwxz2456789]{10}")
FLIGHT = "s3://mybucket/drone-images/"
BOUNDARY = {"type": "Polygon", "coordinates": [[[6.5, 46.5], [6.6, 46.5], [6.6, 46.6], [6.5, 46.5]]]}


def pictures(count, first=1):
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(first, first + count)]


@pytest.fixture(scope="module")
def clients(scratch):
    """A gateway with a bucket of clients and one of its own, and a node that ends tasks quickly."""
    from conftest import World

    world = World(scratch / "scaleodm-clients")
    world.folder.mkdir()
    world.s3_server = world.s3(buckets=("data", "mybucket", "forbidden"))
    world.behind = world.node(max_parallel=8, task_seconds=0.2, init_seconds=0)
    world.server = world.gateway([world.behind], {"storage": {"s3": {
        **world.s3_server.settings(), "allowed_buckets": ["data", "mybucket", "no-such-bucket"]}}})
    world.s3_server.put(FLIGHT, pictures(5))
    world.s3_server.put("s3://forbidden/flight/", pictures(2))
    yield world
    world.close()


@pytest.fixture
def api(clients):
    return clients.server.api


def sent_to(node, names):
    """Whether the node received exactly these (name, bytes) pairs for one of its tasks."""
    wanted = sorted((name, sha256(body)) for name, body in names)
    return any(sorted((f["name"], f["sha256"]) for f in files) == wanted for files in node.journal()["files"].values())


def json_new(api, **fields):
    return api.post("/task/new", json=fields)


# The description's own lines.


def test_curl_creates_a_task_with_options(api, clients):
    """`curl -X POST …/task/new -F name=… -F zipurl=s3://… -F 'options=[…]'`"""
    made = api.new(name="my-project", zipurl=FLIGHT,
                   options='[{"name":"fast-orthophoto","value":true},{"name":"dsm","value":true}]')
    assert NAME.fullmatch(made["uuid"]), made
    # The description says that imagesCount is always 0; it is counted (12.1).
    shown = api.task(made["uuid"])
    assert shown["imagesCount"] == 5 and shown["name"] == "my-project"
    assert {"name": "fast-orthophoto", "value": True} in shown["options"]
    assert shown["s3InputPath"] == FLIGHT
    assert shown["dateCreated"] > 10 ** 12, "milliseconds, not the description's seconds (12.1)"
    assert made["uuid"] in api.tasks()
    assert api.wait(made["uuid"])["status"]["code"] == COMPLETED
    assert sent_to(clients.behind, pictures(5))
    assert "s3OutputPath" not in api.task(made["uuid"]), "a node keeps its results"


def test_curl_creates_a_task_without_a_name(api):
    made = api.new(zipurl=FLIGHT, options='[{"name":"fast-orthophoto","value":true}]')
    assert api.wait(made["uuid"])["status"]["code"] == COMPLETED


def test_python_creates_a_task_by_a_urlencoded_form(clients):
    """`requests.post(…/task/new, data={'zipurl': …, 'options': json.dumps(…)})`"""
    answer = requests.post(clients.server.url + "/task/new", timeout=30, data={
        "zipurl": FLIGHT, "options": json.dumps([{"name": "dsm", "value": True}])})
    made = plain(answer)
    # Then `info = requests.get(…/task/{uuid}/info).json()`.
    info = requests.get(f"{clients.server.url}/task/{made['uuid']}/info", timeout=30).json()
    assert info["uuid"] == made["uuid"] and info["s3InputPath"] == FLIGHT
    done = clients.server.api.wait(made["uuid"])
    assert done["status"]["code"] == COMPLETED
    # `requests.get(…/download/all.zip)`: the file itself (12.1).
    packed = requests.get(f"{clients.server.url}/task/{made['uuid']}/download/all.zip", timeout=30)
    assert packed.status_code == 200 and packed.content[:2] == b"PK"


def test_curl_reads_info_output_and_list(api):
    made = api.new(zipurl=FLIGHT)
    api.wait(made["uuid"])
    assert isinstance(api.info()["taskQueueCount"], int)
    output = api.output(made["uuid"])
    assert output and all(isinstance(line, str) for line in output), "an array, not a block of text (12.1)"
    assert {"uuid": made["uuid"]} in plain(api.get("/task/list"))


def test_curl_cancels_and_removes_with_json(api, clients):
    """`curl -X POST …/task/cancel -H 'Content-Type: application/json' -d '{"uuid": "odm-pipeline-…"}'`"""
    uuid = api.new(zipurl=FLIGHT)["uuid"]
    assert plain(api.post("/task/cancel", json={"uuid": uuid})) == {"success": True}
    assert api.code(uuid) == 50
    answer = api.post("/task/restart", json={"uuid": uuid, "options": '[{"name":"dsm","value":true}]'})
    assert plain(answer) == {"success": True}
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert plain(api.post("/task/remove", json={"uuid": uuid})) == {"success": True}
    assert error_of(plain(api.get(f"/task/{uuid}/info"))) == f"{uuid} not found"
    # What a client owns stays.
    eventually("the record is gone", lambda: uuid not in api.tasks())
    assert len(clients.s3_server.files(FLIGHT)) == 5


def test_health_is_told_to_load_balancers(api):
    for path in ("/__lbheartbeat__", "/health", "/__heartbeat__", "/ready"):
        answer = api.get(path)
        assert answer.status_code == 200, path
        assert answer.json()["status"] == "ok"


def test_assets_are_told(api):
    uuid = api.new(zipurl=FLIGHT)["uuid"]
    api.wait(uuid)
    shown = plain(api.get(f"/task/{uuid}/assets"))
    assert shown["uuid"] == uuid
    by_name = {asset["name"]: asset for asset in shown["assets"]}
    assert by_name["all.zip"] == {"name": "all.zip", "exists": True, "url": f"/task/{uuid}/download/all.zip"}
    assert set(by_name) == {"all.zip", "orthophoto.tif", "dsm.tif", "dtm.tif", "point_cloud"}
    assert error_of(plain(api.get("/task/odm-pipeline-bbbbbbbbbb/assets"))) == "odm-pipeline-bbbbbbbbbb not found"


# What there is beyond the description.


def test_json_with_typed_values(api, clients):
    clients.s3_server.put("s3://mybucket/typed/a/", pictures(2))
    clients.s3_server.put("s3://mybucket/typed/b/", pictures(2))
    clients.s3_server.put("s3://mybucket/typed/b/thumbs/", pictures(1, 50))
    clients.s3_server.put("s3://mybucket/typed/raw/", pictures(1, 60))
    clients.s3_server.put("s3://mybucket/typed/", [("notes.doc", b"x"), ("gcp_list.txt", b"EPSG:4326\n")])
    made = plain(json_new(
        api, zipurl="s3://mybucket/typed", s3ScanDepth=2, excludePaths=["raw/**"], useDefaultExcludes=True,
        processingMode="standard", capacityType="spot", s3Endpoint=clients.s3_server.url, s3Region="us-east-1",
        options=[{"name": "dsm", "value": True}], name="Task of 2026"))
    assert api.task(made["uuid"])["imagesCount"] == 4
    assert api.wait(made["uuid"])["status"]["code"] == COMPLETED
    # Equal base names get `_1`; side files come along, and what isn't wanted doesn't.
    names = [(n, b) for n, b in pictures(2)] + [(n.replace(".JPG", "_1.JPG"), b) for n, b in pictures(2)]
    assert sent_to(clients.behind, names + [("gcp_list.txt", b"EPSG:4326\n")])


def test_a_task_that_names_its_places_waits_for_a_backend_that_works_there(api, clients):
    made = plain(json_new(api, readS3Path=FLIGHT, writeS3Path="s3://mybucket/results/x"))
    shown = api.wait(made["uuid"], QUEUED)
    assert shown["imagesCount"] == 5
    assert shown["s3OutputPath"] == "s3://mybucket/results/x/"
    task = requests.get(f"{clients.server.admin_url}/api/tasks/{made['uuid']}", timeout=10).json()
    assert "can't take S3 paths" in json.dumps(task), task
    api.act("cancel", made["uuid"])


def test_archives_wait_for_a_backend_that_unpacks_them(api, clients):
    clients.s3_server.put("s3://mybucket/zipped/", [("flight.zip", b"PK")])
    made = api.new(zipurl="s3://mybucket/zipped/")
    assert api.wait(made["uuid"], QUEUED)["imagesCount"] == 0
    api.act("cancel", made["uuid"])


@pytest.mark.parametrize("kind", ["text", "value", "url"])
def test_boundary_as_geojson_or_as_an_object(api, clients, kind):
    text = json.dumps(BOUNDARY)
    clients.s3_server.put("s3://mybucket/areas/", [("field.geojson", text.encode())])
    value = {"text": text, "value": BOUNDARY, "url": "s3://mybucket/areas/field.geojson"}[kind]
    made = plain(json_new(api, zipurl=FLIGHT, options=[{"name": "boundary", "value": value}]))
    options = {option["name"]: option["value"] for option in api.task(made["uuid"])["options"]}
    assert json.loads(options["boundary"]) == BOUNDARY
    assert api.wait(made["uuid"])["status"]["code"] == COMPLETED


@pytest.mark.parametrize("value", [
    "not json", '{"type":"Point","coordinates":[1,2]}', "s3://mybucket/areas/", "s3://mybucket/areas/none.geojson",
    "s3://forbidden/flight/IMG_0001.JPG", FLIGHT + "IMG_0001.JPG"])
def test_a_boundary_that_is_none(api, value):
    answer = json_new(api, zipurl=FLIGHT, options=[{"name": "boundary", "value": value}])
    assert answer.status_code == 400, answer.text
    error_of(answer.json())


def test_a_client_may_name_the_identity(api):
    uuid = "0a4f2b1e-1a2b-4c3d-8e9f-0123456789ab"
    answer = api.post("/task/new", json={"zipurl": FLIGHT}, headers={"set-uuid": uuid})
    assert plain(answer) == {"uuid": uuid}
    assert api.wait(uuid)["status"]["code"] == COMPLETED


def test_an_upload_by_url_goes_on_as_before(world, api):
    answer = json_new(api, zipurl="http://127.0.0.1:9/none.zip")
    assert NAME.fullmatch(plain(answer)["uuid"]) is None


# Bad input.

BAD = {
    "missing bucket": ({"zipurl": "s3://no-such-bucket/a/"}, "no such bucket"),
    "empty prefix": ({"zipurl": "s3://mybucket/empty/"}, "Not enough images"),
    "too deep": ({"zipurl": "s3://mybucket/deep/"}, "Not enough images: none was found in s3://mybucket/deep/, looking directly"),
    "bucket outside the list": ({"zipurl": "s3://forbidden/flight/"}, "isn't among those"),
    "output outside the list": ({"readS3Path": FLIGHT, "writeS3Path": "s3://forbidden/x"}, "isn't among those"),
    "endpoint outside the list": ({"zipurl": FLIGHT, "s3Endpoint": "http://127.0.0.1:9"}, "isn't among those"),
    "no endpoint": ({"zipurl": FLIGHT, "s3Endpoint": "minio"}, "s3Endpoint must be"),
    "image outside the list": ({"zipurl": FLIGHT, "odmImage": "evil/odm:1"}, "isn't among those"),
    "the gateway's own place": ({"zipurl": "s3://data/scaleodm/"}, "the gateway itself"),
    "around the gateway's own place": ({"zipurl": "s3://data/"}, "the gateway itself"),
    "depth": ({"zipurl": FLIGHT, "s3ScanDepth": 11}, "s3ScanDepth"),
    "negative depth": ({"zipurl": FLIGHT, "s3ScanDepth": -1}, "s3ScanDepth"),
    "exclusion that climbs": ({"zipurl": FLIGHT, "excludePaths": ["../x"]}, "excludePaths"),
    "exclusion with shell text": ({"zipurl": FLIGHT, "excludePaths": ["$(reboot)"]}, "excludePaths"),
    "no URL": ({"zipurl": "s3:/mybucket"}, "zipurl must be"),
    "climbing URL": ({"zipurl": "s3://mybucket/../x/"}, "zipurl must be"),
    "unknown mode": ({"zipurl": FLIGHT, "processingMode": "magic"}, "processingMode"),
    "lone field": ({"writeS3Path": "s3://mybucket/x/"}, "needs readS3Path"),
    "nothing": ({}, "Need at least 1 file"),
    "bad option": ({"zipurl": FLIGHT, "options": [{"name": "dsm", "value": "$(reboot); {{x}}\n'\""}]}, "dsm"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_refused_task(api, clients, name):
    """A JSON body is refused with 400, a form as NodeODM does (contract, 2.6)."""
    clients.s3_server.put("s3://mybucket/deep/below/", pictures(1))
    fields, words = BAD[name]
    before = api.tasks()
    answer = json_new(api, **fields)
    assert answer.status_code == 400 and words in error_of(answer.json()), answer.text
    assert words in error_of(api.new(fields=fields))
    assert api.tasks() == before


@pytest.mark.parametrize("mode", ["merge-existing", "thermal", "city-scale"])
def test_reserved_modes(api, mode):
    answer = json_new(api, zipurl=FLIGHT, processingMode=mode)
    assert answer.status_code == 501 and mode in error_of(answer.json())
    assert mode in error_of(api.new(zipurl=FLIGHT, processingMode=mode))


def test_files_and_a_place_at_once(api):
    assert "can't have both" in error_of(api.new(pictures(1), zipurl=FLIGHT))


def test_without_object_storage_the_refusal_says_what_to_set(target):
    assert "storage.s3" in error_of(target.api.new(zipurl=FLIGHT))
    answer = json_new(target.api, readS3Path=FLIGHT)
    assert answer.status_code == 400 and "storage.s3" in error_of(answer.json())


def test_credentials_that_are_refused(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(1))
    wrong = {**s3.settings(), "secret_access_key": "another"}
    gateway = world.gateway([world.node()], {"storage": {"s3": wrong}})
    answer = json_new(gateway.api, zipurl=FLIGHT)
    # The gateway's own bucket is out of reach by the same keys, which passes once they are mended.
    assert answer.status_code in (400, 503), answer.text
    error_of(answer.json())


def test_an_object_store_that_is_away(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(1))
    gateway = world.gateway([world.node()], {"storage": {"s3": s3.settings()}})
    s3.stop()
    answer = json_new(gateway.api, zipurl=FLIGHT)
    assert answer.status_code == 503, answer.text
    error_of(answer.json())


def test_images_that_change_before_they_are_sent(world):
    """What the node counts is compared with what was there when they were sent."""
    s3 = world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(3))
    node = world.node(max_parallel=1, task_seconds=3600, init_seconds=0)
    gateway = world.gateway([node], {"storage": {"s3": s3.settings()}, "scheduling": {"prefetch": 0}})
    first = gateway.api.new(zipurl=FLIGHT)["uuid"]
    second = gateway.api.new(zipurl=FLIGHT)["uuid"]
    gateway.api.wait(second, QUEUED)
    s3.put(FLIGHT, pictures(2, 10))
    node.set(taskSeconds=0.2)
    gateway.api.act("cancel", first)
    done = gateway.api.wait(second)
    assert done["status"]["code"] == COMPLETED and done["imagesCount"] == 5


def test_images_that_vanish_before_they_are_sent_fail_the_task_in_words(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(2))
    node = world.node(max_parallel=1, task_seconds=3600, init_seconds=0)
    gateway = world.gateway([node], {"storage": {"s3": s3.settings()}, "scheduling": {"attempts": 1, "prefetch": 0}})
    first = gateway.api.new(zipurl=FLIGHT)["uuid"]
    second = gateway.api.new(zipurl=FLIGHT)["uuid"]
    gateway.api.wait(second, QUEUED)
    for name, _ in pictures(2):
        s3.client.delete_object(Bucket="mybucket", Key="drone-images/" + name)
    gateway.api.act("cancel", first)
    done = gateway.api.wait(second)
    assert done["status"]["code"] == FAILED and "no images any more" in done["status"]["errorMessage"], done


# Results in object storage. No backend that works there is needed: the record says where an attempt wrote.


def results_of(world, settings=None, s3=None, **products):
    """A gateway with a completed task whose results are in `s3://mybucket/out/`, the store, and the task's uuid."""
    s3 = s3 or world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(1))
    gateway = world.gateway([world.node(task_seconds=0.1, init_seconds=0)],
                            {"storage": {"s3": s3.settings()}, **(settings or {})})
    uuid = gateway.api.new(zipurl=FLIGHT)["uuid"]
    gateway.api.wait(uuid)
    gateway.stop()
    with contextlib.closing(sqlite3.connect(gateway.data_folder / "scaleodm.db")) as record, record:
        changed = record.execute("UPDATE attempts SET output = 's3://mybucket/out/' WHERE task = ?", (uuid,)).rowcount
        assert changed == 1
    s3.put("s3://mybucket/out/", products.get("files", RESULTS))
    gateway.start()
    return gateway, s3, uuid


RESULTS = [("all.zip", b"PK" + bytes(range(256)) * 8000), ("odm_orthophoto/odm_orthophoto.tif", b"ortho" * 999),
           ("odm_dem/dsm.tif", b"dsm"), ("odm_report/a b+c.json", b"{}"), ("_DONE.json", b"{}")]


def test_results_are_streamed_with_ranges_and_validators(world):
    gateway, s3, uuid = results_of(world)
    api, (_, body) = gateway.api, RESULTS[0]
    whole = api.download(uuid)
    assert whole.status_code == 200 and whole.content == body
    assert whole.headers["Content-Type"] == "application/zip"
    assert whole.headers["Content-Disposition"] == "attachment; filename=all.zip"
    assert whole.headers["Accept-Ranges"] == "bytes" and int(whole.headers["Content-Length"]) == len(body)
    etag = whole.headers["ETag"]
    for wanted, first, end in (("bytes=5-9", 5, 10), ("bytes=100-", 100, len(body)), ("bytes=-7", len(body) - 7, len(body)),
                               (f"bytes=0-{len(body) * 2}", 0, len(body))):
        part = api.download(uuid, headers={"Range": wanted})
        assert part.status_code == 206 and part.content == body[first:end], wanted
        assert part.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(body)}"
    beyond = api.download(uuid, headers={"Range": f"bytes={len(body)}-"})
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{len(body)}"
    assert api.download(uuid, headers={"If-None-Match": etag}).status_code == 304
    assert api.download(uuid, headers={"If-Match": '"other"'}).status_code == 412
    assert api.download(uuid, headers={"Range": "bytes=1-2", "If-Range": '"other"'}).status_code == 200
    assert api.download(uuid, headers={"Range": "bytes=1-2", "If-Range": etag}).status_code == 206
    head = api.call("HEAD", f"/task/{uuid}/download/all.zip")
    assert head.status_code == 200 and int(head.headers["Content-Length"]) == len(body) and not head.content


def test_short_names_and_paths(world):
    gateway, s3, uuid = results_of(world)
    api = gateway.api
    assert api.task(uuid)["s3OutputPath"] == "s3://mybucket/out/"
    assert api.download(uuid, "orthophoto.tif").content == RESULTS[1][1]
    assert api.download(uuid, "odm_orthophoto/odm_orthophoto.tif").content == RESULTS[1][1]
    assert api.download(uuid, "dsm.tif").content == b"dsm"
    assert api.download(uuid, "odm_report/a%20b%2Bc.json").content == b"{}"
    for none in ("dtm.tif", "odm_report/none.json", "_DONE.json", "a%2F..%2F..%2Fdrone-images%2FIMG_0001.JPG", "..%2Fx", "a//b", "a%00b"):
        assert error_of(plain(api.download(uuid, none))) == "Invalid asset", none
    shown = plain(api.get(f"/task/{uuid}/assets", {"includeAdditional": "true", "additionalLimit": "3"}))
    assert {a["name"]: a["exists"] for a in shown["assets"]} == {
        "all.zip": True, "orthophoto.tif": True, "dsm.tif": True, "dtm.tif": False, "point_cloud": False}
    assert [f["key"] for f in shown["files"]] == ["all.zip", "odm_dem/dsm.tif", "odm_orthophoto/odm_orthophoto.tif"]
    for file in plain(api.get(f"/task/{uuid}/assets", {"includeAdditional": "true"}))["files"]:
        assert len(api.get(file["url"]).content) == file["size"], "links lead to their files"
    # The client's own results stay when the task is removed.
    assert api.act("remove", uuid) == {"success": True}
    eventually("the record is gone", lambda: requests.get(f"{gateway.admin_url}/api/tasks/{uuid}", timeout=10).status_code == 404)
    assert len(s3.files("s3://mybucket/out/")) == len(RESULTS)


def test_item_85_redirect_to_a_presigned_url(world):
    gateway, s3, uuid = results_of(world, {"downloads": "redirect"})
    answer = gateway.api.download(uuid, allow_redirects=False)
    assert answer.status_code == 302 and not answer.content
    assert "no-store" in answer.headers["Cache-Control"], "each request gets a link of its own"
    location = answer.headers["Location"]
    assert location.startswith(s3.url + "/mybucket/out/all.zip?") and s3.secret_key not in location
    # rclone checks the signature.
    fetched = requests.get(location, timeout=30)
    assert fetched.status_code == 200 and fetched.content == RESULTS[0][1]
    assert requests.get(location[:-1] + ("0" if location[-1] != "0" else "1"), timeout=30).status_code == 403
    assert error_of(plain(gateway.api.download(uuid, "dtm.tif"))) == "Invalid asset"
    # A link is signed for the very request: with another second comes another one.
    eventually("the next link is another", lambda: location != gateway.api.download(uuid, allow_redirects=False).headers["Location"])
    # Such a link is signed for GET alone.
    head = requests.head(f"{gateway.url}/task/{uuid}/download/all.zip", timeout=30)
    assert head.status_code == 200 and int(head.headers["Content-Length"]) == len(RESULTS[0][1])


def test_a_backend_may_override_how_results_reach_clients(world):
    gateway, s3, uuid = results_of(world, {"downloads": "redirect"})
    gateway.settings["backends"][0]["downloads"] = "stream"
    gateway.stop()
    gateway.start()
    assert gateway.api.download(uuid, allow_redirects=False).status_code == 200


def test_a_stream_that_the_store_ends_goes_on_where_it_was(world):
    """As stores do whose reader stalls: larger than all the buffers between, and cut in the middle."""
    body = b"PK" + bytes(range(256)) * 120_000
    gateway, s3, uuid = results_of(world, files=[("all.zip", body)])
    cable = world.cable(s3.port)
    gateway.stop()
    gateway.settings["storage"]["s3"]["endpoint"] = cable.url
    gateway.start()
    with gateway.api.download(uuid, stream=True) as answer:
        first = answer.raw.read(1000)
        cable.reset()
        assert first + answer.raw.read() == body


def test_results_whose_store_is_away_get_no_answer(world):
    gateway, s3, uuid = results_of(world)
    s3.stop()
    with pytest.raises(requests.ConnectionError):
        gateway.api.download(uuid)
    s3.start()
    assert gateway.api.download(uuid).content == RESULTS[0][1]


# Other stores, many objects, and the way by init.


def test_a_store_of_another_kind(world):
    """moto's server answers as AWS does in many details where rclone's doesn't."""
    s3 = world.s3("moto", buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(3))
    s3.put(FLIGHT + "more ümläut & +/", pictures(2))
    node = world.node(task_seconds=0.1, init_seconds=0)
    gateway = world.gateway([node], {"storage": {"s3": s3.settings()}})
    made = plain(json_new(gateway.api, zipurl=FLIGHT, s3ScanDepth=2))
    assert gateway.api.task(made["uuid"])["imagesCount"] == 5
    assert gateway.api.wait(made["uuid"])["status"]["code"] == COMPLETED
    assert sent_to(node, pictures(3) + [(n.replace(".JPG", "_1.JPG"), b) for n, b in pictures(2)])
    assert "no such bucket" in error_of(gateway.api.new(zipurl="s3://no-such-bucket/a/"))


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_a_prefix_with_100000_objects(world):
    """Refused or taken in one answer, within the memory that it has anyway. rclone's server reads the whole folder for each page."""
    s3 = world.s3(buckets=("data", "mybucket"))
    folder = s3.folder / "mybucket" / "many"
    folder.mkdir()
    for number in range(100_000):
        (folder / f"IMG_{number:06d}.JPG").touch()
    gateway = world.gateway([], {"storage": {"s3": s3.settings()}})
    before = memory(gateway)
    made = plain(requests.post(gateway.url + "/task/new", json={"zipurl": "s3://mybucket/many/"}, timeout=600))
    assert gateway.api.task(made["uuid"])["imagesCount"] == 100_000
    assert memory(gateway) - before < 32 << 20


def memory(gateway):
    lines = pathlib.Path(f"/proc/{gateway.program.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def test_more_images_than_any_backend_takes(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(5))
    gateway = world.gateway([world.node()], {"storage": {"s3": s3.settings()}, "limits": {"images": 3}})
    answer = json_new(gateway.api, zipurl=FLIGHT)
    assert answer.status_code == 400
    assert error_of(answer.json()) == "5 images uploaded, but this node can only process up to 3."
    assert gateway.api.tasks() == []


def test_the_way_by_init_and_commit(api, clients):
    uuid = api.init(zipurl=FLIGHT)["uuid"]
    assert api.commit(uuid) == {"uuid": uuid}
    assert api.wait(uuid)["imagesCount"] == 5
    mixed = api.ready(pictures(1), {"zipurl": FLIGHT})
    assert "can't have both" in error_of(api.commit(mixed))


def test_the_record_keeps_what_was_said_over_a_restart(world):
    s3 = world.s3(buckets=("data", "mybucket"))
    s3.put(FLIGHT, pictures(3))
    node = world.node(task_seconds=0.1, init_seconds=0)
    gateway = world.gateway([], {"storage": {"s3": s3.settings()}})
    uuid = gateway.api.new(zipurl=FLIGHT)["uuid"]
    gateway.kill()
    gateway.settings["backends"] = [node.backend()]
    gateway.start()
    assert gateway.api.task(uuid)["s3InputPath"] == FLIGHT
    done = gateway.api.wait(uuid)
    assert done["status"]["code"] == COMPLETED and done["imagesCount"] == 3
    assert sent_to(node, pictures(3))


def test_an_image_that_is_replaced_while_it_is_sent_is_sent_as_it_is_now(world):
    """The node sees one whole content, never two halves; the task isn't taken for one whose upload was lost."""
    s3 = world.s3(buckets=("data", "mybucket"))
    old, new = [("big.jpg", b"\xff\xd8" + bytes([n]) * (24 << 20)) for n in (1, 2)]
    s3.put(FLIGHT, [old])
    node = world.node(task_seconds=0.1, init_seconds=0)
    gateway = world.gateway([node], {"storage": {"s3": s3.settings()}})
    eventually("the node is online", lambda: gateway.api.info()["maxParallelTasks"] > 0)
    node.freeze()
    uuid = gateway.api.new(zipurl=FLIGHT)["uuid"]
    task = f"{gateway.admin_url}/api/tasks/{uuid}"
    eventually("it is listed for the node", lambda: "sending" in requests.get(task, timeout=10).text)
    s3.put(FLIGHT, [new])
    node.thaw()
    assert gateway.api.wait(uuid)["status"]["code"] == COMPLETED
    assert any(sent == [(new[0], sha256(new[1]))] or sent == [(old[0], sha256(old[1]))] for sent in (
        [(f["name"], f["sha256"]) for f in files] for files in node.journal()["files"].values()))

"""A scenario shaped like drone-tm's, over an Argo cluster and over another ScaleODM: from images in a bucket to products in a bucket."""

import io
import json
import zipfile

import pytest

from harness.drone_tm import DroneTM, Refused
from harness.images import GCP, jpeg, sha256

pytestmark = [pytest.mark.only("gateway"), pytest.mark.timeout(300)]

PLACE = "s3://mybucket/projects/7/task 3/"
FLAT = [("DJI_0001.JPG", jpeg(1)), ("DJI_0002.jpeg", jpeg(2))]
DEEP = [("images/DJI_0003.JPG", jpeg(3)), ("images/day 2/DJI_0004.JPG", jpeg(4))]
#: Too deep, drafts, what an earlier run left, and no image.
NOT_WANTED = [("images/day 2/late/one more/DJI_0005.JPG", jpeg(5)), ("drafts/DJI_0006.JPG", jpeg(6)),
              ("rejected/blurred/DJI_0007.JPG", jpeg(7)), ("odm_orthophoto/odm_orthophoto.tif", b"an earlier result"),
              ("thumbs/DJI_0001.JPG", jpeg(8)), ("flight.log", b"no image")]


@pytest.fixture(scope="module", params=["argo", "scaleodm"])
def setting(request, scratch):
    """A gateway over one backend of a kind that works in a client's own places, and a flight in the bucket."""
    from conftest import World

    world = World(scratch / f"drone-tm-{request.param}")
    world.folder.mkdir()
    world.store = world.s3("moto", buckets=("data", "mybucket"))
    if request.param == "argo":
        world.behind = world.argo(s3=world.store, execute=True)
    else:
        world.behind = world.scaleodm(world.store)
    world.server = world.gateway([world.behind], {"storage": {"s3": world.store.settings()}})
    world.store.put(PLACE, FLAT + DEEP + NOT_WANTED)
    world.hook = world.receiver()
    world.kind = request.param
    yield world
    world.close()


@pytest.fixture
def client(setting):
    return DroneTM(setting.server, setting.store, setting.hook)


def inputs(products):
    return json.loads(products["odm_report/inputs.json"])


@pytest.mark.parametrize("depth, images", [(0, FLAT), (3, FLAT + DEEP)], ids=["depth 0", "depth 3"])
def test_a_flight_from_its_images_to_its_products(setting, client, depth, images):
    results = f"s3://mybucket/projects/7/results {depth}/"
    uuid = client.submit(PLACE, results, depth)
    info = client.poll(uuid)
    assert info["imagesCount"] == len(images) and info["name"] == "dtm-project-7"
    assert info["s3InputPath"] == PLACE and info["s3OutputPath"] == results
    assert {"name": "dsm", "value": True} in info["options"]
    done = client.wait(uuid)
    assert done["status"] == {"code": 40} and done["progress"] == 100 and done["processingTime"] > 0, done
    # What it reads is the products, from where it wanted them.
    products = setting.store.files(results)
    assert {"odm_orthophoto/odm_orthophoto.tif", "odm_dem/dsm.tif", "odm_report/report.pdf"} <= set(products)
    assert inputs(products) == {name.rsplit("/", 1)[-1]: sha256(body) for name, body in images}
    if setting.kind == "argo":
        with zipfile.ZipFile(io.BytesIO(products["all.zip"])) as archive:
            assert archive.testzip() is None and archive.read("odm_dem/dsm.tif") == products["odm_dem/dsm.tif"]
    # The webhook: what ScaleODM sends at the top level, beside NodeODM's payload.
    body = client.told(uuid)
    assert (body["uuid"], body["statusCode"]) == (uuid, 40)
    assert body["status"] == {"code": 40} and body["imagesCount"] == len(images) and body["name"] == "dtm-project-7"
    assert isinstance(body["images"], list) and {"dateCreated", "processingTime", "options", "progress"} <= set(body)
    assert setting.store.files(PLACE) == dict(FLAT + DEEP + NOT_WANTED), "its images are as they were"


def test_a_failed_run_is_shown_with_its_reason(setting, client):
    if setting.kind == "argo":
        setting.behind.script(times=1, pods=[{"outcome": "exit", "exitCode": 1}])
        reason = "Cannot process dataset"
    else:
        setting.behind.script(times=1, outcome="fail", message="process: Error (exit code 1)")
        reason = "process: Error (exit code 1)"
    uuid = client.submit(PLACE, "s3://mybucket/projects/7/failed/", 0)
    failed = client.wait(uuid)
    assert failed["status"] == {"code": 30, "errorMessage": reason}
    body = client.told(uuid)
    assert body["statusCode"] == 30 and body["status"]["errorMessage"] == reason
    assert "odm_orthophoto/odm_orthophoto.tif" not in setting.store.files("s3://mybucket/projects/7/failed/")


REFUSED = {
    "no images there": ({"read": "s3://mybucket/projects/8/"}, 400, "Not enough images"),
    "images too deep": ({"read": "s3://mybucket/projects/"}, 400, "Not enough images"),
    "missing bucket": ({"read": "s3://elsewhere/x/"}, 400, "no such bucket"),
    "endpoint": ({"s3Endpoint": "https://s3.evil.example.org"}, 400, "s3Endpoint"),
    "depth": ({"depth": 11}, 400, "s3ScanDepth"),
    "exclusions": ({"excludePaths": ["../*"]}, 400, "excludePaths"),
    "capacity": ({"capacityType": "free"}, 400, "capacityType"),
    "options that are no JSON": ({"options": "dsm"}, 400, "JSON"),
    "an option's value": ({"options": '[{"name": "dsm", "value": "maybe"}]'}, 400, "dsm"),
    "a mode to come": ({"processingMode": "thermal"}, 501, "thermal"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_task_that_is_refused_says_so_with_a_status(setting, client, what):
    fields, status, words = REFUSED[what]
    before = len(setting.server.api.tasks())
    with pytest.raises(Refused) as refusal:
        client.submit(**{"read": PLACE, "write": "s3://mybucket/projects/7/refused/", "depth": 0, **fields})
    assert refusal.value.status == status and words in refusal.value.message
    assert len(setting.server.api.tasks()) == before


def test_ground_control_in_the_bucket_reaches_the_engine_or_is_told_not_to(setting, client):
    place, target = f"s3://mybucket/projects/9 {setting.kind}/", "s3://mybucket/projects/9-out/"
    setting.store.put(place, [*FLAT, ("gcp_list.txt", GCP)])
    if setting.kind == "argo":
        assert client.wait(client.submit(place, target, 0))["status"]["code"] == 40
        assert inputs(setting.store.files(target)) == {name: sha256(body) for name, body in [*FLAT, ("gcp_list.txt", GCP)]}
        return
    # ScaleODM would leave it out without a word; where nobody else could take it, its client is told at once.
    with pytest.raises(Refused, match="GCP") as refusal:
        client.submit(place, target, 0)
    assert refusal.value.status == 400 and setting.behind.starts(place) == 0

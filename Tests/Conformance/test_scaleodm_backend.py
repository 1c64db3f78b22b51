"""Kind `scaleodm`: another ScaleODM, driven by its own API, with an S3 server between it and the gateway."""

import io
import zipfile

import pytest
import requests
from pyodm import Node

from harness.api import CANCELED, COMPLETED, FAILED, QUEUED, RUNNING, error_of, plain
from harness.gateway import command, yaml
from harness.images import jpeg
from harness.s3 import Place
from harness.simulator import host_and_port
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

FLIGHT = "s3://mybucket/flight/"
SUBMISSION = "/task/new"


def pictures(count, first=1):
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(first, first + count)]


def shown(gateway, uuid):
    return requests.get(f"{gateway.admin_url}/api/tasks/{uuid}", timeout=10).json()


def kinds(gateway, uuid):
    return [event["kind"] for event in shown(gateway, uuid)["events"]]


def zipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def setting(world):
    """A gateway whose one backend is another instance; both know the same S3 server."""

    def make(settings=None, backend=None, **flags):
        world.store = world.s3(buckets=("data", "mybucket"))
        world.other = world.scaleodm(world.store, "nyc", **flags)
        world.server = world.gateway([{**world.other.backend(), **(backend or {})}],
                                     {"storage": {"s3": world.store.settings()}, **(settings or {})})
        return world.server.api

    world.make = make
    return world


# A life.


def test_pyodm_through_another_scaleodm(setting, tmp_path):
    api = setting.make()
    paths = []
    for name, body in pictures(12):
        (tmp_path / name).write_bytes(body)
        paths.append(str(tmp_path / name))
    node = Node(*host_and_port(setting.server.url))
    eventually("the instance was asked for its engine", lambda: node.info().engine_version == "3.6.0")
    task = node.create_task(paths, {"dsm": True}, name="Task; of mine")
    task.wait_for_completion(interval=0.2)
    info = task.info()
    assert (info.name, info.images_count, info.progress) == ("Task; of mine", 12, 100)
    assert any("finished" in line for line in task.output(0))
    # What it read: each image under its own name. What it made: what the client gets.
    place = f"s3://data/scaleodm/{task.uuid}/"
    assert setting.store.files(f"{place}input/attempt-1/") == dict(pictures(12))
    made = setting.store.files(f"{place}attempt-1/")
    assert zipped(open(task.download_zip(str(tmp_path / "results")), "rb").read()) == made
    assert setting.other.starts(f"{place}input/attempt-1/") == 1
    # Its name of the task is the record's.
    attempt, = shown(setting.server, task.uuid)["attempts"]
    assert list(setting.other.effects("created")) == [attempt["backendTask"]]
    # Single results: from the object store, and what only the other instance knows by a redirect that the gateway follows.
    assert api.download(task.uuid, "dsm.tif").content == made["odm_dem/dsm.tif"]
    ranged = api.download(task.uuid, "odm_dem/dsm.tif", headers={"Range": "bytes=0-3"})
    assert ranged.status_code == 206 and ranged.content == made["odm_dem/dsm.tif"][:4]
    laz = api.download(task.uuid, "georeferenced_model.laz", allow_redirects=False)
    assert laz.status_code == 200 and laz.content == made["odm_georeferencing/odm_georeferenced_model.laz"]
    assert "Invalid asset" in error_of(api.download(task.uuid, "nothing.tif").json())
    assert {a["name"] for a in plain(api.get(f"/task/{task.uuid}/assets"))["assets"] if a["exists"]} >= {"all.zip", "dsm.tif"}
    # A remove takes copies and results along, and the other instance's row.
    assert task.remove()
    eventually("all of it is gone", lambda: not list(setting.store.storage.list(Place.parse(place))))
    eventually("the other instance forgot it", lambda: setting.other.effects("removed"))


def test_the_s3_flow(setting):
    api = setting.make()
    setting.store.put(FLIGHT, pictures(4))
    setting.store.put(FLIGHT, [("sub/IMG_0009.JPG", jpeg(9)), ("drafts/IMG_0010.JPG", jpeg(10))])
    made = plain(api.post("/task/new", json={
        "readS3Path": FLIGHT, "writeS3Path": "s3://mybucket/results/", "s3ScanDepth": 2, "excludePaths": ["drafts/**"],
        "capacityType": "on-demand", "options": '[{"name": "dsm", "value": true}]'}))
    done = api.wait(made["uuid"])
    assert done["status"]["code"] == COMPLETED
    assert done["imagesCount"] == 5, "the gateway's own count"
    assert done["s3OutputPath"] == "s3://mybucket/results/"
    assert zipped(api.download(made["uuid"]).content) == setting.store.files("s3://mybucket/results/")
    assert setting.other.starts(FLIGHT) == 1
    # What the client owns stays.
    api.act("remove", made["uuid"])
    eventually("the other instance forgot it", lambda: setting.other.effects("removed"))
    assert len(setting.store.files(FLIGHT)) == 6 and setting.store.files("s3://mybucket/results/")


def test_its_text_of_a_console_is_lines_by_our_numbers(setting):
    api = setting.make(run_seconds=3600)
    uuid = api.submit(pictures(2))
    eventually("it runs", lambda: "Running dataset" in str(api.output(uuid)))
    lines = api.output(uuid)
    assert len(lines) == 3 and lines[0].startswith("Launching") and "Initializing ODM" in lines[1]
    assert api.output(uuid, 1) == lines[1:] and api.output(uuid, 5) == []
    assert api.task(uuid, 0)["output"] == lines
    # The gateway goes on where it was.
    setting.server.restart_after_kill()
    api = setting.server.api
    assert api.task(uuid)["dateCreated"] > 10 ** 12
    eventually("its lines are there again", lambda: api.output(uuid) == lines)
    api.act("cancel", uuid)
    assert api.wait(uuid, CANCELED)
    eventually("the other instance ended it", lambda: setting.other.effects("ended"))
    assert api.output(uuid) == lines, "the other instance's log is gone by now"


def test_a_task_that_it_has_forgotten_keeps_its_single_results(setting):
    api = setting.make()
    uuid = api.submit(pictures(2))
    api.wait(uuid, COMPLETED)
    attempt, = shown(setting.server, uuid)["attempts"]
    forgotten = requests.post(setting.other.url + "/task/remove", json={"uuid": attempt["backendTask"]}, timeout=10)
    assert forgotten.status_code == 200
    assert "no longer knows it" in error_of(api.download(uuid).json()), "its all.zip isn't called an invalid asset"
    assert api.download(uuid, "dsm.tif").status_code == 200
    assert "Invalid asset" in error_of(api.download(uuid, "nothing.tif").json())
    assert api.code(uuid) == COMPLETED


def test_a_failed_run_tells_why(setting):
    api = setting.make()
    setting.other.script(outcome="fail", message="process: OOMKilled (exit code 137)")
    done = api.wait(api.submit(pictures(2)))
    assert done["status"] == {"code": FAILED, "errorMessage": "process: OOMKilled (exit code 137)"}


def test_item_77_a_restart_is_another_submission_under_the_same_uuid(setting):
    api = setting.make()
    uuid = api.submit(pictures(2))
    api.wait(uuid)
    api.act("restart", uuid, options='[{"name": "dtm", "value": true}]')
    eventually("it ran twice", lambda: len(setting.other.effects("started")) == 2)
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert setting.store.files(f"s3://data/scaleodm/{uuid}/attempt-2/")
    assert not setting.other.requests("POST", "/task/restart")


# Refusals.


def test_a_problem_document_is_the_reason_that_is_shown(setting):
    api = setting.make({"scheduling": {"refresh": "200ms", "spill_after": "100ms", "attempts": 1}})
    setting.store.put(FLIGHT, pictures(2))
    made = plain(api.post("/task/new", json={"readS3Path": FLIGHT, "odmImage": "evil.example.org/odm:1"}))
    done = api.wait(made["uuid"])
    assert done["status"]["code"] == FAILED
    assert "is not from an allowed repository" in done["status"]["errorMessage"]
    assert setting.other.effects("created") == {}


@pytest.mark.parametrize("files, fields, word", [
    ([("gcp_list.txt", b"EPSG:4326\n")], {}, "gcp_list.txt"),
    ([("align.laz", b"LASF")], {}, "align.laz"),
    ([("seed.zip", b"PK")], {}, "seed.zip"),
    ([], {"outputs": '["odm_orthophoto/odm_orthophoto.tif"]'}, "chosen outputs"),
])
def test_item_53_where_nothing_else_is_listed_its_client_is_told_at_once(setting, files, fields, word):
    api = setting.make()
    uuid = api.init(**fields)["uuid"]
    for file in [*pictures(2), *files]:
        assert api.upload(uuid, [file]) == {"success": True}
    refusal = error_of(api.commit(uuid))
    assert word in refusal and "No backend of this gateway takes" in refusal
    assert setting.other.effects("created") == {}
    assert api.wait(api.submit(pictures(2)))["status"]["code"] == COMPLETED


@pytest.mark.parametrize("outputs", ["[]", '["", "."]'])
def test_an_empty_list_of_outputs_is_none(setting, outputs):
    api = setting.make()
    uuid = api.submit(pictures(2), outputs=outputs)
    assert api.wait(uuid)["status"]["code"] == COMPLETED


def test_item_53_ground_control_beside_images_on_s3_is_told_too(setting):
    api = setting.make()
    setting.store.put(FLIGHT, [*pictures(2), ("geo.txt", b"EPSG:4326\n")])
    assert "GCP, geo or align files" in error_of(api.new(zipurl=FLIGHT))
    assert setting.other.effects("created") == {}


def test_ground_control_goes_to_a_node_and_waits_for_it_over_a_restart(setting):
    """The node's one slot is taken and the other instance's are free: it waits all the same, and knows why after a restart."""
    api = setting.make()
    node = setting.node(max_parallel=1, task_seconds=3600, init_seconds=0)
    setting.server.configure(backends=[setting.other.backend(), node.backend()])
    setting.server.stop()
    setting.server.start()
    api = setting.server.api
    ground_control = ("gcp_list.txt", b"EPSG:4326\n")
    first = api.submit([*pictures(2), ground_control])
    eventually("the node has it", lambda: node.starts(first) == 1)
    second = api.submit([*pictures(3), ground_control])
    eventually("it waits", lambda: api.code(second) == QUEUED)
    setting.server.restart_after_kill()
    api = setting.server.api
    assert api.wait(api.submit(pictures(2)))["status"]["code"] == COMPLETED, "free slots are there"
    assert api.code(second) == QUEUED
    details = [event["detail"] for event in shown(setting.server, second)["events"]]
    assert any("nyc can't take GCP, geo or align files" in detail for detail in details), details
    api.act("cancel", first)
    # By whatever name: what was sent ahead before the kill was given up.
    eventually("the node has it", lambda: sum(node.starts().values()) == 2)
    assert len(setting.other.effects("created")) == 1


# Never twice.


def test_a_submission_whose_answer_was_lost_is_found_and_not_sent_again(setting):
    api = setting.make()
    setting.other.set(foreign=2)
    setting.other.fault(method="POST", path=SUBMISSION, count=1, drop="after")
    uuid = api.submit(pictures(2))
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert len(setting.other.effects("created")) == 1 and len(setting.other.requests("POST", SUBMISSION)) == 1
    assert "outcomeUnknown" not in kinds(setting.server, uuid)
    assert zipped(api.download(uuid).content)


def test_two_submissions_whose_answers_were_lost_are_both_found(setting):
    """Each search passes the other's task, whose name it then knows."""
    api = setting.make(run_seconds=1)
    setting.other.fault(method="POST", path=SUBMISSION, count=2, drop="after")
    tasks = [api.ready(pictures(2, number)) for number in (1, 3)]
    for uuid in tasks:
        assert api.commit(uuid) == {"uuid": uuid}
    for uuid in tasks:
        assert api.wait(uuid)["status"]["code"] == COMPLETED
        assert "outcomeUnknown" not in kinds(setting.server, uuid)
    assert len(setting.other.effects("created")) == 2


def test_one_that_nobody_can_find_waits_for_the_operator(setting):
    api = setting.make()
    setting.other.fault(method="POST", path=SUBMISSION, count=1, drop="before")
    uuid = api.submit(pictures(2))
    eventually("it is held", lambda: "outcomeUnknown" in kinds(setting.server, uuid))
    told = shown(setting.server, uuid)
    attempt, = told["attempts"]
    assert attempt["state"] == "committing" and "tasks retry" in attempt["failure"]
    assert api.code(uuid) == RUNNING
    # Neither time nor a crash sends it again; other tasks run meanwhile.
    setting.server.restart_after_kill()
    api = setting.server.api
    assert api.wait(api.submit(pictures(2, 5)))["status"]["code"] == COMPLETED
    assert api.code(uuid) == RUNNING
    assert kinds(setting.server, uuid).count("outcomeUnknown") == 1
    own = f"s3://data/scaleodm/{uuid}/input/attempt-1/"
    assert setting.other.starts(own) == 0
    assert len(setting.other.requests("POST", SUBMISSION)) == 2


def test_a_crash_in_the_middle_of_a_submission_is_settled_by_looking(setting):
    api = setting.make(run_seconds=1)
    setting.other.fault(method="POST", path=SUBMISSION, count=1, delay=1.5)
    uuid = api.submit(pictures(2))
    eventually("it is under way", lambda: setting.other.requests("POST", SUBMISSION))
    setting.server.kill()
    eventually("it arrived all the same", lambda: setting.other.effects("created"))
    setting.server.start()
    api = setting.server.api
    assert api.wait(uuid)["status"]["code"] == COMPLETED
    assert sum(setting.other.effects("created").values()) == 1


# The command line.


def test_check_probes_it(setting):
    setting.make()
    file = setting.folder / "probe.yaml"
    settings = {"database": "sqlite:probe/a.db", "storage": {"s3": setting.store.settings(prefix="probe/")},
                "backends": [setting.other.backend()]}
    file.write_text(yaml(settings))
    good = command("check", file, "--probe", cwd=setting.folder)
    assert "odm 3.6.0, 0 of 10 slots busy" in good.stdout, good.stdout + good.stderr
    setting.other.set(listFails=True)
    bad = command("check", file, "--probe", cwd=setting.folder)
    assert bad.returncode != 0 and "not ready" in bad.stdout

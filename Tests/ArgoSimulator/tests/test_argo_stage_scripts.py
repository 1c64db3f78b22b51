"""The gateway's three stages run for real: its manifest, its scripts, rclone, a stand-in for ODM, and an S3 that checks
signatures."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile

import pytest
from client import node
from gateway_manifests import document, manifest, told, with_variable
from simulator_kit.bucket import Place

NASTY = ["--cameras", 'it\'s "quoted" $(touch /tmp/owned) `id`; {{x}}\nnext', "--crop", "5", "--dem-resolution=-0.5"]


@pytest.fixture
def executing(clusters, storage, tmp_path):
    (tmp_path / "secrets.json").write_text(json.dumps(
        {"scaleodm-s3": {"AWS_ACCESS_KEY_ID": storage.access_key, "AWS_SECRET_ACCESS_KEY": storage.secret_key}}))
    return clusters.start("--execute", "--secrets", tmp_path / "secrets.json", "--archive")


class Stage:
    """One task of the gateway on a cluster that executes, with its two places."""

    def __init__(self, cluster, storage, name):
        self.cluster, self.storage, self.name = cluster, storage, name
        self.input = Place("data", f"{name}/in put/")
        self.output = Place("data", f"{name}/attempt-1/")

    def put(self, name, body=b"jpeg"):
        self.storage.put(self.input, name, body)

    def run(self, args=(), outputs=(), keep="all", depth=1, rules="+ **\n", limits=None, variables=(), phase="Succeeded",
            stored=False):
        task = {"task": self.name, "workflow": self.name, "attempt": 1, "args": list(args), "outputs": list(outputs),
                "input": {"bucket": self.input.bucket, "prefix": self.input.prefix, "depth": depth, "excludes": [], "keep": keep},
                "output": {"bucket": self.output.bucket, "prefix": self.output.prefix},
                "limits": limits or {"archiveBytes": 10**9, "archiveFiles": 1000}}
        inner, outer = (f"{place.bucket}/{place.prefix.rstrip('/')}" for place in (self.input, self.output))
        rclone = {"output": outer, "endpoint": "", "region": "",
                  "source_b64": inner, "depth_b64": str(depth), "filter_b64": rules,
                  "output_b64": outer, "endpoint_b64": "", "region_b64": "",
                  "started_b64": json.dumps({"task": self.name, "workflow": self.name, "attempt": 1})}
        workflow = told(manifest("upload"), task, rclone)
        workflow["metadata"]["name"] = self.name
        if stored:
            packed = json.dumps({**document(workflow)}, separators=(",", ":"))
            self.storage.put(Place("data", f"{self.name}/"), "task-1.json", packed.encode())
            workflow = with_variable(with_variable(workflow, "GW_TASK_B64", ""), "GW_TASK_BUCKET", "data")
            workflow = with_variable(workflow, "GW_TASK_KEY", f"{self.name}/task-1.json")
        for name, value in {"RCLONE_CONFIG_S3_ENDPOINT": self.storage.endpoint, **dict(variables)}.items():
            workflow = with_variable(workflow, name, value)
        self.cluster.submit(workflow)
        ended = self.cluster.wait(self.name, seconds=90)
        assert ended["status"]["phase"] == phase, "\n".join(self.console())
        return ended

    def console(self):
        return [line for stage in ("download", "process", "upload")
                for line in self.cluster.log(self.name, **{"logOptions.container": stage})]

    def pod(self, workflow):
        return node(workflow, f"{self.name}(0)")

    def results(self):
        return dict(self.storage.list(self.output))

    def read(self, name):
        return self.storage.get(self.output, name)

    def arguments(self):
        return json.loads(self.read("log.json"))["arguments"]


@pytest.fixture
def stage(executing, storage, name):
    return Stage(executing, storage, name)


def test_a_task_runs_from_its_inputs_to_its_marker(stage):
    for number in range(3):
        stage.put(f"IMG_{number}.JPG")
    stage.put("gcp_list.txt", b"EPSG:4326\n")
    stage.put("geo.txt", b"EPSG:4326\n")
    stage.put("image_groups.txt", b"IMG_0.JPG a\n")
    workflow = stage.run(args=NASTY)
    assert json.loads(stage.read("_STARTED.json")) == {"task": stage.name, "workflow": stage.name, "attempt": 1}
    done = json.loads(stage.read("_DONE.json"))
    assert (done["task"], done["workflow"], done["attempt"], done["images"]) == (stage.name, stage.name, 1, 3)
    assert {"odm_orthophoto/odm_orthophoto.tif", "odm_dem/dsm.tif", "all.zip", "task_output.txt"} <= set(stage.results())
    archive = zipfile.ZipFile(io.BytesIO(stage.read("all.zip")))
    assert archive.testzip() is None and all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
    assert set(archive.namelist()) == set(stage.results()) - {"all.zip", "_STARTED.json", "_DONE.json"}
    assert done["files"] == len(archive.namelist())
    arguments = stage.arguments()
    start = arguments.index(NASTY[0])
    assert arguments[start:start + len(NASTY)] == NASTY
    side = dict(zip(arguments[:start:2], arguments[1:start:2]))
    assert {option: path.rsplit("/", 1)[1] for option, path in side.items()} == {
        "--gcp": "gcp_list.txt", "--geo": "geo.txt", "--split-image-groups": "image_groups.txt"}
    assert arguments[-5:-3] == ["--max-concurrency", "4"] and arguments[-3] == "--project-path"
    console = stage.console()
    assert "[INFO]    Found 3 usable images" in console and "##gw-images 3" in console
    assert any(line.startswith("##gw-progress ") for line in console)
    assert stage.pod(workflow)["progress"].endswith("/100")


def test_the_rules_choose_what_is_read_from_a_clients_place(stage):
    for name in ("a.jpg", "sub/a.jpg", "sub/sub/c.jpg", "notes.doc", "odm_dem/dsm.tif", "gcp_list.txt"):
        stage.put(name)
    rules = "- odm_dem/**\n+ *.jpg\n+ *.tif\n+ gcp_list.txt\n- **\n"
    stage.run(keep="images", depth=2, rules=rules)
    names = {entry["filename"] for entry in json.loads(stage.read("images.json"))}
    assert names == {"a.jpg", "a_1.jpg"} and json.loads(stage.read("_DONE.json"))["images"] == 2
    assert stage.arguments()[0] == "--gcp"


def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_archives_are_unpacked_flat_and_a_seed_in_place(stage):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("deep/er/t.jpg")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"t"))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    stage.put("more.tar.gz", out.getvalue())
    stage.put("set.zip", zipped({"x/a.jpg": b"a", "y/a.jpg": b"b", "readme.md": b"", "../../evil.jpg": b"e",
                                 "x/geo.txt": b"EPSG:4326\n"}))
    stage.put("seed.zip", zipped({"opensfm/tracks.csv": b"", "../outside.txt": b"", "images/seed.jpg": b"s"}))
    stage.run(outputs=["opensfm", "cameras.json", "../../etc/passwd", "/etc/passwd"])
    names = {entry["filename"] for entry in json.loads(stage.read("images.json"))}
    assert names == {"t.jpg", "a.jpg", "a_1.jpg", "evil.jpg", "seed.jpg"}
    assert zipfile.ZipFile(io.BytesIO(stage.read("all.zip"))).namelist() == ["opensfm/tracks.csv", "cameras.json"]
    assert "--geo" in stage.arguments() and "odm_dem/dsm.tif" in stage.results()


@pytest.mark.parametrize("entries, limits", [
    ({"a.jpg": b"x" * 4096}, {"archiveBytes": 1000, "archiveFiles": 1000}),
    ({f"{n}.jpg": b"x" for n in range(20)}, {"archiveBytes": 10**6, "archiveFiles": 10}),
])
def test_an_archive_that_unpacks_to_too_much_ends_the_task(stage, entries, limits):
    stage.put("bomb.zip", zipped(entries))
    assert stage.pod(stage.run(limits=limits, phase="Failed"))["message"] == "process: Error (exit code 68)"


def test_a_broken_archive_ends_the_task(stage):
    stage.put("set.zip", b"no archive")
    assert stage.pod(stage.run(phase="Failed"))["message"] == "process: Error (exit code 68)"


def test_no_images_end_the_task_before_the_engine(stage):
    stage.put("gcp_list.txt")
    assert stage.pod(stage.run(phase="Failed"))["message"] == "process: Error (exit code 67)"
    assert "_DONE.json" not in stage.results()


@pytest.mark.parametrize("place, message", [
    ("input", "download: Error (exit code 66)"), ("output", "download: Error (exit code 65)")])
def test_a_missing_bucket_is_told_by_its_side(stage, place, message):
    stage.put("a.jpg")
    setattr(stage, place, Place("absent", f"{stage.name}/"))
    assert stage.pod(stage.run(phase="Failed"))["message"] == message


def test_a_place_without_objects_ends_the_task(stage):
    workflow = stage.run(phase="Failed")
    assert stage.pod(workflow)["message"] in ("download: Error (exit code 66)", "process: Error (exit code 67)")


def test_a_failing_engine_leaves_its_console_and_its_code(stage):
    stage.put("a.jpg")
    workflow = stage.run(variables={"FAKE_ODM_EXIT": "3"}.items(), phase="Failed")
    assert stage.pod(workflow)["message"] == "process: Error (exit code 3)"
    assert b"could not process this dataset" in stage.read("task_output.txt")
    assert "_DONE.json" not in stage.results() and "all.zip" not in stage.results()


def test_a_killed_engine_passes_its_signal_on(stage):
    stage.put("a.jpg")
    workflow = stage.run(variables={"FAKE_ODM_EXIT": "134"}.items(), phase="Failed")
    assert "exit code 134" in stage.pod(workflow)["message"]


def test_a_boundary_that_is_an_object_becomes_a_file(stage):
    stage.put("a.jpg")
    stage.storage.put(Place("data", f"{stage.name}/"), "area.json", b"{}")
    stage.run(args=["--boundary", f"s3://data/{stage.name}/area.json", "--crop", "1"])
    arguments = stage.arguments()
    assert arguments[:1] == ["--boundary"] and arguments[1].endswith("/boundary.json")


def test_a_long_description_is_fetched_and_a_long_boundary_becomes_a_file(stage):
    stage.put("a.jpg")
    long = json.dumps({"type": "FeatureCollection", "features": [], "pad": "x" * 150_000})
    stage.run(args=["--boundary", long], stored=True)
    assert stage.arguments()[1].endswith("/boundary.json") and "_DONE.json" in stage.results()

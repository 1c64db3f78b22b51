"""ScaleODM's own API: where it looks like NodeODM's and isn't."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from io import BytesIO

import pytest
import requests
from simulator_kit.bucket import Place
from simulator_kit.testing import eventually


def problem(answer, status):
    """The document of an RFC 7807 answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return answer.json()["detail"]


def test_info_tells_no_limits_and_counts_the_whole_namespace(instance, source):
    instance.process.sim("set", foreign=3)
    instance.process.sim("script", outcome="hold")
    instance.submit(readS3Path=source.url)
    assert instance.get("/info").json() == {
        "version": "0.1.0", "taskQueueCount": 4, "maxImages": None, "engine": "odm",
        "engineVersion": "opendronemap/odm:3.6.0"}
    assert len(instance.get("/options").json()) == 5


def test_a_failed_list_is_told_as_an_empty_queue(instance, source):
    instance.process.sim("script", outcome="hold")
    instance.submit(readS3Path=source.url)
    instance.process.sim("set", listFails=True)
    assert instance.get("/info").json()["taskQueueCount"] == 0
    assert instance.get("/task/list").json() == []
    problem(instance.get("/ready"), 503)
    assert instance.get("/health").status_code == 200


def test_a_task_runs_and_its_results_are_in_its_output_place(instance, source, storage):
    uuid = instance.submit(name="field", readS3Path=source.url, options='[{"name": "dsm", "value": true}]')
    info = instance.wait(uuid, 40)
    assert (info["name"], info["imagesCount"], info["progress"]) == ("field", 3, 100)
    assert info["options"] == [{"name": "dsm", "value": True}]
    assert abs(info["dateCreated"] - time.time()) < 60, "seconds, not milliseconds"
    names = dict(storage.list(Place(source.bucket, source.prefix + "output/")))
    assert "odm_orthophoto/odm_orthophoto.tif" in names and "all.zip" not in names


@pytest.mark.parametrize("field, suffix", [("readS3Path", "output/"), ("zipurl", None)])
def test_the_default_output_place_depends_on_the_inputs_field(start, source, storage, field, suffix):
    instance = start("--ui")
    uuid = instance.submit(**{field: source.url})
    row = instance.get(f"/ui/api/tasks/{uuid}").json()
    assert row["writeS3Path"] == (source.url + suffix if suffix else source.url.rstrip("/") + "-output/")
    assert row["readS3Path"] == source.url
    assert instance.get("/ui/api/tasks").json()["total"] == 1


def test_without_the_ui_its_json_is_not_there(instance):
    problem(instance.get("/ui/api/tasks"), 404)


@pytest.mark.parametrize("body, status, text", [
    ({}, 400, "required"), ({"zipurl": "http://example.org/a.zip"}, 400, "s3://"),
    ({"processingMode": "thermal"}, 501, "reserved"), ({"processingMode": "merge-existing"}, 501, "reserved"),
    ({"processingMode": "other"}, 422, "one of"), ({"capacityType": "free"}, 422, "one of"),
    ({"s3ScanDepth": 0}, 422, "between"), ({"s3ScanDepth": "3"}, 422, "int"), ({"s3ScanDepth": True}, 422, "int"),
    ({"excludePaths": "*.txt"}, 422, "list"), ({"excludePaths": [1]}, 422, "string"), ({"unknown": 1}, 422, "unexpected"),
    ({"options": "{"}, 400, "JSON"), ({"options": "{}"}, 400, "array"), ({"options": []}, 422, "str"),
    ({"odmImage": "evil/odm:1"}, 400, "allowed"), ({"s3Endpoint": "http://169.254.169.254"}, 400, "allowlist"),
    ({"name": "a; rm -rf /"}, 400, "characters"),
])
def test_what_is_wrong_is_a_problem_document_with_a_real_status(instance, source, body, status, text):
    whole = body if not body or "zipurl" in body else {"readS3Path": source.url, **body}
    assert text in problem(instance.post("/task/new", whole), status)
    assert instance.process.effects("created") == {}


def test_what_is_right_in_all_fields_is_taken(instance, source):
    instance.submit(
        name="a", options="[]", webhook="", skipPostProcessing=True, readS3Path=source.url,
        writeS3Path=source.url + "there/", s3Region="eu", dateCreated=1, processingMode="standard", capacityType="on-demand",
        odmImage="opendronemap/odm:gpu", s3ScanDepth=3, excludePaths=["*.png"], useDefaultExcludes=False)


def test_forms_are_not_taken(instance, source):
    problem(requests.post(instance.url + "/task/new", data={"zipurl": source.url}, timeout=10), 415)


def test_an_empty_or_missing_input_is_refused(instance):
    assert "no images" in problem(instance.post("/task/new", {"readS3Path": "s3://data/none/"}), 400)
    problem(instance.post("/task/new", {"readS3Path": "s3://absent/none/"}), 400)


def test_set_uuid_is_ignored(instance, source):
    answer = instance.post("/task/new", {"readS3Path": source.url}, headers={"set-uuid": "mine"})
    assert answer.json()["uuid"].startswith("odm-pipeline-") and len(answer.json()["uuid"]) == len("odm-pipeline-") + 5


def test_the_same_submission_twice_runs_twice_and_the_journal_shows_it(instance, source):
    first, second = (instance.submit(readS3Path=source.url) for _ in range(2))
    assert first != second
    instance.wait(first, 40)
    instance.wait(second, 40)
    assert instance.process.effects("startedFor")[source.url] == 2
    assert instance.process.effects("started") == {first: 1, second: 1}


def test_a_lost_answer_leaves_a_task_that_nobody_asked_for_by_name(instance, source):
    instance.process.sim("fault", method="POST", path="/task/new", count=1, drop="after")
    with pytest.raises(requests.ConnectionError):
        instance.post("/task/new", {"readS3Path": source.url})
    assert len(instance.get("/task/list").json()) == 1


def test_output_is_one_string_and_a_line_past_the_end_is_everything(instance, source):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    whole = instance.get(f"/task/{uuid}/output").json()
    assert isinstance(whole, str) and whole.endswith("ODM app finished\n")
    assert instance.get(f"/task/{uuid}/output", params={"line": 2}).json() == "[INFO]    ODM app finished\n"
    assert instance.get(f"/task/{uuid}/output", params={"line": 99}).json() == whole


def test_with_output_0_gives_no_output(instance, source):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    assert "output" not in instance.get(f"/task/{uuid}/info", params={"with_output": 0}).json()
    assert len(instance.get(f"/task/{uuid}/info", params={"with_output": 1}).json()["output"]) == 2


def test_a_failed_task_says_why(instance, source):
    instance.process.sim("script", read=source.url, outcome="fail", message="process: OOMKilled (exit code 137)")
    info = instance.wait(instance.submit(readS3Path=source.url), 30)
    assert info["status"]["errorMessage"] == "process: OOMKilled (exit code 137)"


def test_what_is_held_ends_once_it_is_released(instance, source, storage):
    instance.process.sim("script", outcome="hold")
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 20)
    instance.process.sim("release")
    instance.wait(uuid, 40)
    assert storage.exists(Place(source.bucket, source.prefix + "output/"), "log.json")


def test_pods_bring_what_depth_and_exclusions_leave_and_results_tell_it(instance, source, storage):
    for name in ("one/d.jpg", "one/two/e.jpg", "drafts/f.jpg", "odm_orthophoto/old.tif"):
        storage.put(source, name, name.encode())
    uuid = instance.submit(readS3Path=source.url, s3ScanDepth=2, excludePaths=["drafts/**"])
    instance.wait(uuid, 40)
    told = json.loads(storage.get(Place(source.bucket, source.prefix + "output/"), "odm_report/inputs.json"))
    assert set(told) == {"a.jpg", "b.JPG", "c.tif", "d.jpg"}
    assert told["d.jpg"] == hashlib.sha256(b"one/d.jpg").hexdigest()


def test_over_the_parallelism_tasks_wait_as_10(start, source):
    instance = start("--parallelism", 1)
    instance.process.sim("script", outcome="hold")
    first, second = (instance.submit(readS3Path=source.url) for _ in range(2))
    instance.wait(first, 20)
    assert instance.get(f"/task/{second}/info").json()["status"]["code"] == 10
    instance.post("/task/cancel", {"uuid": first})
    instance.wait(second, 20)


def test_downloads_are_redirects_to_presigned_urls(instance, source, storage):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    answer = instance.get(f"/task/{uuid}/download/orthophoto.tif", allow_redirects=False)
    assert answer.status_code == 302 and answer.headers["Location"].startswith(storage.endpoint)
    assert f"task {uuid}".encode() in requests.get(answer.headers["Location"], timeout=10).content
    head = requests.head(f"{instance.url}/task/{uuid}/download/dsm.tif", timeout=10)
    assert head.status_code == 302
    problem(instance.get(f"/task/{uuid}/download/none.tif"), 404)


def test_all_zip_is_packed_on_the_spot(instance, source):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    answer = instance.get(f"/task/{uuid}/download/all.zip")
    assert "odm_orthophoto/odm_orthophoto.tif" in zipfile.ZipFile(BytesIO(answer.content)).namelist()


def test_assets_list_five_names_and_links_that_lead_nowhere(instance, source):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    answer = instance.get(f"/task/{uuid}/assets", params={"list": "true", "limit": 2}).json()
    assert {asset["name"]: asset["exists"] for asset in answer["assets"]}["dsm.tif"] is True
    assert len(answer["assets"]) == 5 and len(answer["files"]) == 2
    nested = next(file for file in instance.get(f"/task/{uuid}/assets", params={"list": "true"}).json()["files"]
                  if "/" in file["key"])
    assert instance.get(nested["url"]).status_code == 404


def test_nothing_can_be_downloaded_or_restarted_while_a_task_runs(instance, source):
    instance.process.sim("script", outcome="hold")
    uuid = instance.submit(readS3Path=source.url)
    problem(instance.get(f"/task/{uuid}/download/all.zip"), 409)
    problem(instance.post("/task/restart", {"uuid": uuid}), 409)


def test_cancel_loses_the_log_and_a_second_one_is_409(instance, source):
    instance.process.sim("script", outcome="hold")
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 20)
    assert instance.post("/task/cancel", {"uuid": uuid}).json() == {"success": True}
    assert instance.wait(uuid, 50)["status"]["code"] == 50
    assert instance.get(f"/task/{uuid}/output").json() == ""
    problem(instance.post("/task/cancel", {"uuid": uuid}), 409)


def test_remove_leaves_what_is_in_s3(instance, source, storage):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    assert instance.post("/task/remove", {"uuid": uuid}).json() == {"success": True}
    problem(instance.get(f"/task/{uuid}/info"), 404)
    assert storage.exists(Place(source.bucket, source.prefix + "output/"), "log.json")


def test_a_restart_changes_the_uuid_and_does_not_tell_it(instance, source):
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    assert instance.post("/task/restart", {"uuid": uuid}).json() == {"success": True}
    problem(instance.get(f"/task/{uuid}/info"), 404)
    assert len(instance.get("/task/list").json()) == 1


def test_control_calls_without_or_with_an_unknown_uuid_are_problems(instance):
    for verb in ("cancel", "remove", "restart"):
        problem(instance.post(f"/task/{verb}", {}), 422)
        problem(instance.post(f"/task/{verb}", {"uuid": "none"}), 404)


def test_a_missing_workflow_fails_only_after_a_grace_and_only_when_polled(instance, source):
    instance.process.sim("script", outcome="hold")
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 20)
    instance.process.sim("vanish", uuid=uuid)
    assert instance.get("/task/list").json() == []
    assert instance.get(f"/task/{uuid}/info").json()["status"]["code"] == 20
    instance.process.sim("set", missingGraceSeconds=0)
    assert "missing" in instance.wait(uuid, 30)["status"]["errorMessage"]


def test_a_collected_workflow_leaves_the_list_and_keeps_its_row(instance, source):
    instance.process.sim("set", ttlSeconds=0.05)
    uuid = instance.submit(readS3Path=source.url)
    eventually("it is collected", lambda: instance.get("/task/list").json() == [])
    assert instance.wait(uuid)["status"]["code"] == 40


def test_a_run_that_leaves_no_results_is_completed_and_has_no_assets(instance, source):
    instance.process.sim("script", results=False)
    uuid = instance.submit(readS3Path=source.url)
    instance.wait(uuid, 40)
    assert not any(asset["exists"] for asset in instance.get(f"/task/{uuid}/assets").json()["assets"])
    problem(instance.get(f"/task/{uuid}/download/all.zip"), 404)


def test_the_webhook_is_told_uuid_and_code(instance, source):
    import http.server
    import json
    import threading

    told = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if len(told) > 1 else 500)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uuid = instance.submit(readS3Path=source.url, webhook=f"http://127.0.0.1:{server.server_address[1]}/")
        eventually("two tries came", lambda: len(told) == 2)
        server.shutdown()
    assert told == [{"uuid": uuid, "statusCode": 40}] * 2


def test_the_program_says_where_it_listens_and_ends_on_sigterm(storage):
    import pathlib

    from simulator_kit.testing import SimulatorProcess

    folder = pathlib.Path(__file__).resolve().parents[1]
    process = SimulatorProcess("scaleodm_simulator", folder, "--s3-endpoint", storage.endpoint)
    assert requests.get(process.url + "/info", timeout=10).status_code == 200
    assert process.stop() == 0

"""The checks, in the order in which they run. Each gets the setting, and raises what is wrong."""

import io
import json
import zipfile

import requests

from harness.api import CANCELED, COMPLETED, RUNNING, plain
from harness.gateway import command, yaml
from harness.s3 import Place
from harness.waiting import eventually


class Skipped(Exception):
    """The check has nothing to stand on; the text says what."""


def probe(setting):
    setting.gateway.inventory.write_text(yaml(setting.gateway.settings), encoding="utf-8")
    done = command("check", setting.gateway.inventory, "--probe", timeout=180, cwd=setting.gateway.folder)
    assert done.returncode == 0, (done.stdout + done.stderr).strip()


def upload(setting):
    api = setting.running().api
    uuid = api.submit(setting.files, name="conformance upload", options=json.dumps([{"name": "fast-orthophoto", "value": True}]))
    info = completed(setting, uuid)
    assert info["imagesCount"] == len(setting.images), f"{info['imagesCount']} images of {len(setting.images)}"
    assert info["progress"] == 100 and info["processingTime"] > 0, info
    body = whole_zip(api, uuid)
    part = api.download(uuid, headers={"Range": "bytes=10-1033"})
    assert (part.status_code, part.content) == (206, body[10:1034]), f"a range of all.zip: {part.status_code}"
    assert api.download(uuid, "orthophoto.tif").status_code == 200, "orthophoto.tif isn't there"
    lines = api.output(uuid)
    assert len(lines) > 3 and api.output(uuid, 3) == lines[3:], "the console has no lines"
    setting.uploaded = uuid


def in_the_bucket(setting):
    api, place = setting.running().api, setting.client_place
    for name, body in setting.files:
        setting.storage.put(place, name, body)
    uuid = plain(api.post("/task/new", json={"zipurl": place.url, "name": "conformance in the bucket"}))["uuid"]
    assert api.task(uuid)["imagesCount"] == len(setting.images), "images weren't counted"
    info = completed(setting, uuid)
    assert info["s3OutputPath"] == place.url.rstrip("/") + "-output/", info["s3OutputPath"]
    results = Place.parse(info["s3OutputPath"])
    done = json.loads(setting.storage.get(results, "_DONE.json"))
    assert (done["task"], done["attempt"]) == (uuid, 1), done
    assert setting.objects(place) == {name: len(body) for name, body in setting.files}, "the client's images were changed"
    assert whole_zip(api, uuid) == setting.storage.get(results, "all.zip")
    setting.named = uuid


def gateway_dies(setting):
    uuid = setting.running().api.submit(setting.files, name="conformance kill")
    setting.wait(uuid, RUNNING)
    setting.gateway.restart_after_kill()
    completed(setting, uuid)
    attempts = setting.attempts(uuid)
    assert len(attempts) == 1, f"it was started {len(attempts)} times"


def restart(setting):
    uuid = of_upload(setting)
    api = setting.running().api
    assert plain(api.post("/task/restart", json={"uuid": uuid, "options": '[{"name":"orthophoto-resolution","value":10}]'})) == {
        "success": True}
    eventually("it begins anew", lambda: len(setting.attempts(uuid)) == 2, 120)
    completed(setting, uuid)
    assert {"name": "orthophoto-resolution", "value": 10} in api.task(uuid)["options"]
    whole_zip(api, uuid)


def redirect(setting):
    uuid = of_upload(setting)
    body = whole_zip(setting.running().api, uuid)
    setting.gateway.stop()
    setting.gateway.configure(downloads="redirect")
    try:
        answer = setting.running().api.download(uuid, allow_redirects=False)
        assert answer.status_code == 302, answer.status_code
        fetched = requests.get(answer.headers["Location"], timeout=300, verify=setting.storage.ca_file or True)
        assert fetched.status_code == 200 and fetched.content == body, f"the pre-signed URL: {fetched.status_code}"
    finally:
        setting.gateway.stop()
        setting.gateway.configure(downloads="stream")


def cancel(setting):
    api = setting.running().api
    uuid = api.submit(setting.files, name="conformance cancel")
    setting.wait(uuid, RUNNING)
    assert api.act("cancel", uuid) == {"success": True}
    assert api.code(uuid) == CANCELED
    # The slot is free once the cluster says that the run has ended.
    eventually("the cluster ends it", lambda: api.info()["taskQueueCount"] == 0, 300)
    assert api.code(uuid) == CANCELED


def refusals(setting):
    api = setting.running().api
    empty = Place(setting.place.bucket, setting.place.prefix + "empty/")
    for fields in ({"zipurl": "s3://no-such-bucket-of-scaleodm/x/"}, {"zipurl": empty.url},
                   {"zipurl": setting.client_place.url, "options": '[{"name":"dsm","value":"perhaps"}]'}):
        answer = api.post("/task/new", json=fields)
        assert answer.status_code == 400 and answer.json().get("error"), f"{fields}: {answer.status_code} {answer.text[:200]}"


def remove(setting):
    api, uuid = setting.running().api, of_upload(setting)
    own = Place(setting.place.bucket, f"{setting.place.prefix}gateway/{uuid}/")
    assert setting.objects(own)
    assert api.act("remove", uuid) == {"success": True}
    eventually("its objects are gone", lambda: not setting.objects(own), 300)
    setting.uploaded = None
    if setting.named:
        results = Place.parse(api.task(setting.named)["s3OutputPath"])
        assert api.act("remove", setting.named) == {"success": True}
        eventually("it is forgotten", lambda: setting.named not in api.tasks(), 300)
        assert "all.zip" in setting.objects(results) and setting.objects(setting.client_place), "a client's objects were removed"


def completed(setting, uuid):
    """Its info, once it is completed; a failed one tells its reason and its last lines."""
    info = setting.wait(uuid)
    if info["status"]["code"] != COMPLETED:
        last = "\n        ".join(setting.api.output(uuid)[-10:])
        raise AssertionError(f"{info['status']}; its console ends with:\n        {last}")
    return info


def whole_zip(api, uuid):
    answer = api.download(uuid, timeout=3600)
    assert answer.status_code == 200, f"all.zip: {answer.status_code} {answer.text[:200]}"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None and archive.namelist(), "all.zip isn't whole"
    return answer.content


def of_upload(setting):
    if setting.uploaded is None:
        raise Skipped("it needs a task that `upload` completed")
    return setting.uploaded


CHECKS = {"probe": probe, "upload": upload, "in the bucket": in_the_bucket, "gateway dies": gateway_dies, "restart": restart,
          "redirect": redirect, "cancel": cancel, "refusals": refusals, "remove": remove}

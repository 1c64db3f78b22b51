"""Section 13, creation: items 14 to 30."""

import io
import json
import re
import time
import uuid as uuids
import zipfile

import pytest
import requests

from harness.api import error_of, plain
from harness.waiting import eventually
from harness.wire import multipart

UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def options_of(info):
    return {option["name"]: option["value"] for option in info["options"]}


def submitted(target, photos, options, **more):
    """The info of a task that was started with these options, its result's extras left out."""
    uuid = target.api.submit(photos[:1], options=options, skipPostProcessing="true", **more)
    return target.api.wait(uuid)


def test_item_14_init_without_fields(target, photos):
    uuid = target.api.submit(photos[:1])
    info = target.api.wait(uuid)
    assert UUID4.match(uuid)
    if target.is_gateway:
        assert info["name"].strip()
    else:
        assert "name" not in info, "NodeODM leaves the name out: its own fault"
    named = target.api.task(target.api.submit(photos[:1], name=""))
    assert named["name"].startswith("Task of ")


@pytest.mark.parametrize("kind", ["urlencoded", "json"])
def test_item_15_init_in_other_content_types(target, photos, kind):
    fields = {"name": "by other means", "options": json.dumps([{"name": "dsm", "value": True}])}
    settings = {"json": fields} if kind == "json" else {"data": fields}
    uuid = plain(target.api.post("/task/new/init", **settings))["uuid"]
    target.api.upload(uuid, photos[:1])
    target.api.commit(uuid)
    options = options_of(target.api.wait(uuid))
    if target.is_gateway:
        assert options["dsm"] is True and target.api.task(uuid)["name"] == "by other means"
    else:
        assert "dsm" not in options, "NodeODM reads multipart only: the options are lost"


@pytest.mark.only("gateway")
def test_item_15_options_as_a_json_array(target, profile, photos):
    uuid = plain(target.api.post("/task/new/init", json={"options": [{"name": "dsm", "value": True}]}))["uuid"]
    target.api.upload(uuid, photos[:1])
    target.api.commit(uuid)
    assert options_of(target.api.wait(uuid))["dsm"] is True


def test_item_16_options_that_are_not_json(target):
    before = target.leftovers()
    uuid = str(uuids.uuid4())
    error_of(target.api.init(options="not json", uuid=uuid))
    eventually("nothing is left on disk", lambda: target.leftovers() == before, 5)
    assert "error" in target.api.upload(uuid, [("a.jpg", b"x")])


def test_item_17_json_of_the_wrong_shape(target, photos):
    info = target.api.wait(target.api.submit(photos[:1], options='{"a":1}', skipPostProcessing="true"))
    assert info["options"] == []
    for odd in ("[null]", "[1]", '["a"]', "[[]]", '[{"value":1}]', '[{"name":null,"value":1}]', '[{"name":{},"value":[]}]',
                "3", "null", '"text"', "[" * 5000, "[" * 5000 + "]" * 5000, '[{"name":"dsm"}]'):
        target.api.init(options=odd)
    error_of(target.api.init(options="[null]"))
    assert target.api.info()


def test_item_18_unknown_options_are_dropped(target, photos):
    info = submitted(target, photos, [{"name": "no-such-option", "value": 1}, {"name": "dsm", "value": True}])
    assert options_of(info) == {"dsm": True}


@pytest.mark.only("gateway")
@pytest.mark.parametrize("options, told", [
    ([{"name": "no-such-option", "value": 1}, {"name": "dsm", "value": True}, {"name": "another", "value": "x"}],
     "another, no-such-option"),
    ('{"dsm":true}', "no JSON array"), ([{"name": "dsm", "value": True}], None),
])
def test_what_was_dropped_is_told_in_the_task_s_history(target, photos, options, told):
    """Clients aren't told (items 17 and 18); whoever wonders where an option went finds it."""
    uuid = target.api.submit(photos[:1], options=options)
    task = requests.get(f"{target.server.admin_url}/api/tasks/{uuid}", timeout=10).json()
    notes = [event["detail"] for event in task["events"] if event["kind"] == "note"]
    assert [told in note for note in notes] == ([True] if told else []), notes
    assert "left out" not in task["why"]


def test_item_19_booleans(target, photos):
    assert options_of(submitted(target, photos, [{"name": "dsm", "value": "1"}])) == {"dsm": True}
    assert options_of(submitted(target, photos, [{"name": "dsm", "value": "false"}])) == {"dsm": False}
    if target.is_gateway:
        assert options_of(submitted(target, photos, [{"name": "dsm", "value": 1}])) == {"dsm": True}
        assert options_of(submitted(target, photos, [{"name": "dsm", "value": 0}])) == {"dsm": False}
    else:
        assert "Cannot convert 1 to boolean" in error_of(target.api.init(options=[{"name": "dsm", "value": 1}]))
    assert "Cannot convert maybe to boolean" in error_of(target.api.init(options=[{"name": "dsm", "value": "maybe"}]))


def test_item_20_all_bad_options_are_named_in_one_error(target):
    error = error_of(target.api.init(options=[{"name": "feature-quality", "value": "best"}]))
    assert "(not in enum)" in error
    error = error_of(target.api.init(options=[
        {"name": "feature-quality", "value": "best"}, {"name": "mesh-octree-depth", "value": 99}]))
    named = {item["name"]: item["error"] for item in json.loads(error)}
    assert "Invalid value best (not in enum)" in named["feature-quality"]
    assert "Invalid value 99 (out of range)" in named["mesh-octree-depth"]
    assert sorted(named) == ["feature-quality", "mesh-octree-depth"]


def test_item_21_leading_integers(target, photos):
    info = submitted(target, photos, [{"name": "min-num-features", "value": "12abc"}, {"name": "crop", "value": "1.5m"}])
    assert options_of(info) == {"min-num-features": 12, "crop": 1.5}
    info = submitted(target, photos, [{"name": "min-num-features", "value": 1.9}])
    assert options_of(info) == {"min-num-features": 1}
    answer = target.api.init(options=[{"name": "min-num-features", "value": "abc"}])
    if target.is_gateway:
        error_of(answer)


def test_item_22_of_equal_options_the_first_counts(target, photos):
    twice = [{"name": "min-num-features", "value": 9000}, {"name": "min-num-features", "value": 8000}]
    assert options_of(submitted(target, photos, twice)) == {"min-num-features": 9000}


def test_item_23_options_that_are_never_taken(target, photos):
    never = [{"name": name, "value": "/etc"} for name in ("project-path", "copy-to", "rerun-all", "gcp", "name")]
    info = submitted(target, photos, [*never, {"name": "dsm", "value": True}])
    assert options_of(info) == {"dsm": True}


def test_options_are_ordered_as_listed(target, photos):
    info = submitted(target, photos, [
        {"name": "dsm", "value": True}, {"name": "min-num-features", "value": 9000}, {"name": "crop", "value": 2}])
    listed = [option["name"] for option in target.api.options()]
    names = [option["name"] for option in info["options"]]
    assert names == sorted(names, key=listed.index)


def test_item_24_set_uuid(target, photos):
    uuid = str(uuids.uuid4())
    assert target.api.init(uuid=uuid) == {"uuid": uuid}
    target.api.upload(uuid, photos[:1])
    assert target.api.commit(uuid) == {"uuid": uuid}
    assert target.api.init(uuid=uuid) == {"error": f"Invalid set-uuid: {uuid}"}
    for bad in ("abc", "11111111-2222-8333-8444-555555555555", "11111111-2222-4333-c444-555555555555",
                "11111111222243338444555555555555", "../../../../etc/passwd"):
        assert target.api.init(uuid=bad) == {"error": f"Invalid set-uuid: {bad}"}
    upper = str(uuids.uuid4()).upper()
    assert target.api.submit(photos[:1], uuid=upper) == upper
    assert target.api.wait(upper)["uuid"] == upper
    for version in (1, 6, 7):
        fresh = str(uuids.uuid4())
        fresh = fresh[:14] + str(version) + fresh[15:]
        assert target.api.init(uuid=fresh) == {"uuid": fresh}


@pytest.mark.only("gateway")
def test_item_24_uniqueness_ignores_case(target, profile, photos):
    uuid = "ABCDEFAB" + str(uuids.uuid4())[8:]
    target.api.submit(photos[:1], uuid=uuid)
    other = uuid.lower()
    assert target.api.init(uuid=other) == {"error": f"Invalid set-uuid: {other}"}


def test_item_25_a_second_init_keeps_the_files(target, photos):
    uuid = str(uuids.uuid4())
    target.api.init(uuid=uuid, name="first")
    target.api.upload(uuid, photos[:2])
    assert target.api.init(uuid=uuid, name="second") == {"uuid": uuid}
    target.api.upload(uuid, photos[2:3])
    target.api.commit(uuid)
    info = target.api.wait(uuid)
    assert info["name"] == "second" and info["imagesCount"] == 3


def test_item_26_names_are_kept_for_display(target, world, photos):
    for name in ("x" * 10_000, "O'Neil \"quoted\" `id` $(touch /tmp/x) ; rm -rf .", "field 🛩 über", "two\nlines", "../../up"):
        uuid = target.api.submit(photos[:1], name=name)
        assert target.api.wait(uuid)["name"] == name


@pytest.mark.only("gateway")
def test_item_26_backends_get_a_tame_name(world, profile, photos):
    stub = world.stub()
    gateway = world.gateway([{"name": "stub", "kind": "nodeodm", "url": stub.url}])
    uuid = gateway.api.submit(photos[:1], name="../two\nlines\x00\x1b[31m" + "x" * 10_000)
    name = stub.only_task()["name"]
    assert gateway.api.code(uuid) == 20
    assert not any(ord(letter) < 32 for letter in name) and len(name) < 1000, name[:50]


def test_item_27_date_created(target, photos):
    assert target.api.task(target.api.submit(photos[:1], dateCreated="1705334400000"))["dateCreated"] == 1705334400000
    assert target.api.task(target.api.submit(photos[:1], dateCreated="1705334400"))["dateCreated"] == 1705334400
    now = time.time() * 1000
    created = target.api.task(target.api.submit(photos[:1], dateCreated="abc"))["dateCreated"]
    assert isinstance(created, int) and abs(created - now) < 60_000
    for odd in ("99999999999999999999999", "-1", "1e400", "0x10"):
        created = target.api.task(target.api.submit(photos[:1], dateCreated=odd))["dateCreated"]
        assert isinstance(created, (int, float))


def test_item_28_skip_post_processing(target, photos):
    added = {"pc-ept": True, "cog": True, "gltf": True}
    for text, expected in (("true", {}), ("True", added), ("1", added), (None, added)):
        uuid = target.api.submit(photos[:1], skipPostProcessing=text)
        assert options_of(target.api.wait(uuid)) == expected, text


def test_item_29_outputs_are_confined(target, photos):
    outputs = ["../../etc/passwd", "/etc/shadow", "a/../b", "odm_orthophoto/odm_orthophoto.tif"]
    uuid = target.api.submit(photos[:1], outputs=outputs)
    target.api.wait(uuid, 40)
    names = zipfile.ZipFile(io.BytesIO(target.api.download(uuid).content)).namelist()
    assert "odm_orthophoto/odm_orthophoto.tif" in names
    for name in names:
        assert not name.startswith("/") and ".." not in name.split("/"), name
        assert name.startswith(("odm_orthophoto", "etc/", "b")), f"{name} was not asked for"


def test_item_30_init_with_a_file(target):
    before = target.leftovers()
    body, kind = multipart([("name", "x"), ("images", "stray.jpg", b"stray bytes")])
    answer = plain(target.api.post("/task/new/init", data=body, headers={"Content-Type": kind}))
    if "uuid" not in answer:
        assert error_of(answer) == "Unexpected field"
    eventually("no stray file", lambda: not [f for f in target.leftovers() if f not in before and "stray" in f], 5)

"""The stand-ins for clusters and object storage, as the other tests use them."""

import pytest
import requests

from harness.s3 import Place
from harness.waiting import eventually

WORKFLOW = {"metadata": {"name": "one"}, "spec": {"entrypoint": "main", "templates": [
    {"name": "main", "container": {"image": "busybox", "command": ["true"]}}]}}


@pytest.mark.parametrize("kind", ["rclone", "moto"])
def test_an_s3_server_holds_objects_and_gives_presigned_urls(world, kind):
    s3 = world.s3(kind)
    s3.put("s3://data/a/", [("one.txt", b"1"), ("b/two.txt", b"2")])
    assert s3.files("s3://data/a/") == {"one.txt": b"1", "b/two.txt": b"2"}
    assert requests.get(s3.storage.presigned(Place.parse("s3://data/a/"), "one.txt"), timeout=10).content == b"1"


def test_rclone_refuses_a_wrong_signature(world):
    s3 = world.s3()
    s3.put("s3://data/", [("x", b"1")])
    url = s3.storage.presigned(Place("data", ""), "x")
    assert requests.get(url[:-1] + ("0" if url[-1] != "0" else "1"), timeout=10).status_code == 403


@pytest.mark.parametrize("tls", [False, True])
def test_a_cluster_runs_a_workflow_and_counts_it(world, tls):
    cluster = world.argo(tls=tls)
    assert ("ca_file" in cluster.backend()) == tls
    cluster.script(name="one", pods=[{"outcome": "exit", "exitCode": 2}])
    assert cluster.call("POST", "/api/v1/workflows/odm", json={"workflow": WORKFLOW}).status_code == 200
    failed = eventually("it ends", lambda: (w := cluster.workflow("one")) and w["status"].get("phase") == "Failed" and w)
    assert failed["status"]["message"] == "main: Error (exit code 2)"
    assert (cluster.runs("one"), cluster.pods("one")) == (1, 1)
    cluster.vanish("one")
    assert cluster.workflow("one") is None and cluster.workflows() == []


def test_a_cluster_goes_on_while_its_network_is_cut_and_its_token_rotates(world):
    cluster = world.argo()
    cluster.call("POST", "/api/v1/workflows/odm", json={"workflow": WORKFLOW})
    cluster.partition()
    with pytest.raises(requests.ConnectionError):
        cluster.workflow("one")
    eventually("it ends", lambda: cluster.effects("endedSucceeded") == {"one": 1})
    cluster.partition("")
    cluster.token_file.write_text("another\n")
    assert cluster.workflow("one")["status"]["phase"] == "Succeeded"


def test_a_scaleodm_instance_writes_results_to_s3_and_counts_starts(world):
    s3 = world.s3()
    s3.put("s3://data/in/", [("a.jpg", b"1")])
    instance = world.scaleodm(s3)
    answer = requests.post(instance.url + "/task/new", json={"readS3Path": "s3://data/in/", "writeS3Path": "s3://data/out/"},
                           timeout=10)
    assert answer.status_code == 200
    eventually("results come", lambda: "log.json" in s3.files("s3://data/out/"))
    assert instance.starts("s3://data/in/") == 1

"""`serve` and `check` without a file: ScaleODM's variables make one Argo backend of the cluster that the gateway runs in.

The first variables are those of the Deployment in the description that ScaleODM's users were given.
"""

import io
import json
import zipfile

import pytest

from harness.api import COMPLETED, error_of
from harness.gateway import command, yaml
from harness.images import jpeg
from harness.s3 import Place
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

FLIGHT = "s3://mybucket/drone-images/"
BUCKET = "SCALEODM_S3_BUCKET"


def pictures(count, first=1):
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(first, first + count)]


def deployment(database, **more):
    """The variables of the description's Deployment."""
    return {"SCALEODM_DATABASE_URL": database, "K8S_NAMESPACE": "odm", "SCALEODM_ODM_IMAGE": "opendronemap/odm:3.6.0", **more}


def store_of(s3, **more):
    return {"AWS_S3_ENDPOINT": s3.url, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": s3.access_key,
            "AWS_SECRET_ACCESS_KEY": s3.secret_key, **more}


@pytest.fixture
def place(world):
    """A cluster with TLS, and an S3 server with a client's images."""
    world.store = world.s3(buckets=("data", "mybucket"))
    world.cluster = world.argo(s3=world.store, tls=True, secrets={"other-secret": world.store.secret()}, parallelism=7)
    world.store.put(FLIGHT, pictures(5))
    return world


def test_the_deployment_of_the_description_with_two_replicas(place, _postgres):
    variables = deployment(_postgres.database(), **store_of(place.store, AWS_S3_SECRET_NAME="other-secret"))
    one, other = (place.pod(place.cluster, variables) for _ in range(2))
    eventually("the cluster is read", lambda: one.api.info()["maxParallelTasks"])
    assert one.api.info()["maxParallelTasks"] == 7, "what the controller's ConfigMap says"
    assert one.api.info()["engineVersion"] == "3.6.0"
    for path in ("/__lbheartbeat__", "/health", "/__heartbeat__", "/ready"):
        eventually(path, lambda: one.api.get(path).status_code == 200)
    # The description's own line.
    uuid = one.api.new(name="my-project", zipurl=FLIGHT, options='[{"name":"fast-orthophoto","value":true}]')["uuid"]
    assert uuid.startswith("odm-pipeline-")
    done = other.api.wait(uuid)
    assert done["status"]["code"] == COMPLETED and done["imagesCount"] == 5
    assert done["s3OutputPath"] == "s3://mybucket/drone-images-output/"
    packed = other.api.download(uuid).content
    assert zipfile.ZipFile(io.BytesIO(packed)).testzip() is None
    assert packed == place.store.files(done["s3OutputPath"])["all.zip"]
    # UUID = workflow's name, in the namespace, of that image, with that secret.
    assert place.cluster.runs() == {uuid: 1}
    workflow = place.cluster.workflow(uuid)
    manifest = json.dumps(workflow["spec"])
    assert workflow["metadata"]["namespace"] == "odm"
    assert '"opendronemap/odm:3.6.0"' in manifest and '"other-secret"' in manifest and "scaleodm-s3" not in manifest
    assert place.store.url in manifest and place.store.secret_key not in manifest
    # Client-owned results stay.
    assert other.api.act("remove", uuid) == {"success": True}
    eventually("its workflow is deleted", lambda: place.cluster.workflow(uuid) is None)
    assert "all.zip" in place.store.files(done["s3OutputPath"]) and len(place.store.files(FLIGHT)) == 5


def test_uploads_need_a_bucket_and_say_so(place):
    pod = place.pod(place.cluster, deployment("sqlite:record.db", **store_of(place.store)))
    assert any("warning: environment: SCALEODM_S3_BUCKET isn't set" in line for line in pod.program.lines)
    assert BUCKET in error_of(pod.api.init(name="a"))
    assert BUCKET in error_of(pod.api.new(pictures(2)))
    assert BUCKET in error_of(pod.api.new(zipurl="http://example.org/images.zip"))
    answer = pod.api.post("/task/new", json={"zipurl": "http://example.org/images.zip"})
    assert answer.status_code == 400 and BUCKET in error_of(answer.json())
    assert pod.api.tasks() == [] and place.cluster.runs() == {}
    # By init too, images on s3 are taken.
    uuid = pod.api.init(zipurl=FLIGHT)["uuid"]
    assert pod.api.commit(uuid) == {"uuid": uuid}
    assert pod.api.wait(uuid)["status"]["code"] == COMPLETED


def test_with_a_bucket_uploads_are_staged_below_its_prefix(place):
    pod = place.pod(place.cluster, deployment("sqlite:record.db", **store_of(place.store, **{BUCKET: "data"})))
    assert not [line for line in pod.program.lines if line.startswith("warning")]
    uuid = pod.api.submit([*pictures(3), ("gcp_list.txt", b"EPSG:4326\n")])
    # A restart of the pod loses nothing.
    pod.kill()
    pod.start()
    assert pod.api.wait(uuid)["status"]["code"] == COMPLETED
    # An attempt that the kill met before the cluster was asked has left its number.
    (run, times), = place.cluster.runs().items()
    assert run in (f"odm-pipeline-{uuid}", f"odm-pipeline-{uuid}-r2") and times == 1
    results = "attempt-2" if run.endswith("-r2") else "attempt-1"
    own = f"s3://data/scaleodm/{uuid}/"
    names = {name.split("/")[0] for name in place.store.files(own)}
    assert names == {"input", results}
    assert pod.api.download(uuid).content == place.store.files(own)[f"{results}/all.zip"]
    assert pod.api.act("remove", uuid) == {"success": True}
    eventually("all of it is gone", lambda: not list(place.store.storage.list(Place.parse(own))))


def test_the_service_account_s_token_rotates(place):
    pod = place.pod(place.cluster, deployment("sqlite:record.db", **store_of(place.store)))
    assert pod.api.wait(pod.api.new(zipurl=FLIGHT)["uuid"])["status"]["code"] == COMPLETED
    place.cluster.token_file.write_text("the-next-token\n", encoding="utf-8")
    assert pod.api.wait(pod.api.new(zipurl=FLIGHT)["uuid"])["status"]["code"] == COMPLETED


def test_the_three_variables_alone(place):
    """As the description has them: it starts, serves what can be served, and says what is missing for tasks."""
    place.cluster.fault(path="*/configmaps/*", status=403, body='{"kind":"Status","code":403,"reason":"Forbidden"}')
    pod = place.pod(place.cluster, deployment("sqlite:record.db"))
    assert any("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY aren't set" in line for line in pod.program.lines)
    eventually("it is ready", lambda: pod.api.get("/ready").status_code == 200)
    assert pod.api.info()["maxParallelTasks"] == 10, "where nobody may tell"
    assert len(pod.api.options()) > 50 and pod.api.tasks() == []
    assert "AWS_ACCESS_KEY_ID" in error_of(pod.api.new(zipurl=FLIGHT))
    assert BUCKET in error_of(pod.api.init(name="a"))


@pytest.mark.parametrize("changed, expected", [
    ({"SCALEODM_DATABASE_URL": ""}, "environment: SCALEODM_DATABASE_URL isn't set"),
    ({"SCALEODM_DATABASE_URL": "mysql://user:hunter2@host/db"}, "environment: SCALEODM_DATABASE_URL: "),
    ({"KUBERNETES_SERVICE_HOST": ""}, "environment: KUBERNETES_SERVICE_HOST isn't set"),
    ({"AWS_S3_ENDPOINT": "ftp://hunter2"}, "environment: AWS_S3_ENDPOINT: "),
    ({"AWS_SECRET_ACCESS_KEY": ""}, "environment: AWS_SECRET_ACCESS_KEY isn't set"),
])
@pytest.mark.parametrize("verb", ["serve", "check"])
def test_what_is_wrong_is_told_by_the_variable(place, verb, changed, expected):
    variables = {**deployment("sqlite:record.db"), **store_of(place.store), **changed}
    done = place.pod(place.cluster, variables, start=False).run(verb)
    assert done.returncode == 1 and done.stderr.startswith(expected), done
    assert "hunter2" not in done.stdout + done.stderr


def test_check_shows_and_probes_the_same(place):
    pod = place.pod(place.cluster, deployment("sqlite:record.db", **store_of(place.store, **{BUCKET: "data"})), start=False)
    done = pod.run("check")
    assert done.returncode == 0 and "environment: 1 backend, no errors" in done.stdout, done
    done = pod.run("check", "--probe")
    assert done.returncode == 0 and "backend in-cluster" in done.stdout and "of 7 slots busy" in done.stdout, done
    printed = pod.run("check", "--print").stdout
    assert "namespace: odm" in printed and place.store.secret_key not in printed, printed
    place.cluster.token_file.write_text("another\n", encoding="utf-8")
    (pod.folder / "account" / "token").unlink()
    (pod.folder / "account" / "token").write_text("expired", encoding="utf-8")
    done = pod.run("check", "--probe")
    assert done.returncode == 1 and "FAILED" in done.stdout and "token" in done.stdout, done


def test_with_a_file_the_file_wins(place, tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml({"database": "sqlite:own.db", "backends": []}), encoding="utf-8")
    pod = place.pod(place.cluster, deployment("sqlite:record.db"), start=False)
    done = pod.run("check", file, "--print")
    assert done.returncode == 0 and "own.db" in done.stdout and "record.db" not in done.stdout, done
    assert "the environment has SCALEODM_DATABASE_URL; the file wins" in done.stderr


def test_outside_of_a_cluster_and_without_variables_the_way_is_told():
    unset = dict.fromkeys(["SCALEODM_DATABASE_URL", "KUBERNETES_SERVICE_HOST"], "")
    done = command("serve", environment=unset)
    assert done.returncode == 1 and "SCALEODM_DATABASE_URL" in done.stderr and "name its file" in done.stderr, done
    assert command("serve", "--listen", environment=unset).returncode == 2

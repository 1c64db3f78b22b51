"""Misfortunes on request, and the journal that proves what happened in spite of them."""

from __future__ import annotations

import ssl
import subprocess
import time

import pytest
import requests
from manifests import pipeline

CREATE = {"method": "POST", "path": "/api/v1/workflows/*"}


def test_a_status_takes_the_place_of_the_effect(cluster, name):
    cluster.process.sim("fault", **CREATE, count=1, status=503, body="<html>", headers={"Content-Type": "text/html"})
    answer = cluster.create(pipeline(name))
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (503, "<html>", "text/html")
    assert name not in cluster.process.effects("created")
    assert cluster.create(pipeline(name)).status_code == 200


def test_a_status_after_the_effect_leaves_the_outcome_unknown(cluster, name):
    cluster.process.sim("fault", **CREATE, count=1, status=504, after=True)
    assert cluster.create(pipeline(name)).status_code == 504
    assert cluster.create(pipeline(name)).status_code == 409
    assert cluster.process.effects("created")[name] == 1


@pytest.mark.parametrize("when, created", [("before", 0), ("after", 1)])
def test_a_connection_is_dropped_before_or_after_the_effect(cluster, name, when, created):
    cluster.process.sim("fault", **CREATE, count=1, drop=when)
    with pytest.raises(requests.ConnectionError):
        cluster.create(pipeline(name))
    assert cluster.process.effects("created").get(name, 0) == created


def test_a_body_is_truncated_or_ends_inside_of_a_chunk(cluster):
    for fault in ({"truncate": 10}, {"partialChunk": True}):
        cluster.process.sim("fault", path="/api/v1/version", count=1, **fault)
        with pytest.raises(requests.RequestException):
            cluster.call("GET", "/api/v1/version")
    assert cluster.call("GET", "/api/v1/version").status_code == 200


def test_a_stream_is_cut_after_so_many_messages(cluster, name):
    cluster.submit(pipeline(name))
    cluster.wait(name)
    cluster.process.sim("fault", path="/api/v1/workflow-events/*", count=1, cutAfter=1)
    with pytest.raises(requests.RequestException):
        list(cluster.messages("/api/v1/workflow-events/odm", {"listOptions.resourceVersion": 0}))


def test_a_wrong_content_type_a_delay_and_a_rate_limit(cluster):
    cluster.process.sim("fault", path="/api/v1/version", count=1, contentType="text/html", delay=0.2)
    begin = time.monotonic()
    assert cluster.call("GET", "/api/v1/version").headers["Content-Type"] == "text/html"
    assert time.monotonic() - begin >= 0.2
    cluster.process.sim("fault", path="/api/v1/version", count=1, status=429, body="slow down", headers={"Retry-After": "1"})
    answer = cluster.call("GET", "/api/v1/version")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


def test_faults_skip_count_and_play_by_their_seed(cluster):
    cluster.process.sim("fault", path="/api/v1/info", skip=1, count=1, status=500)
    assert [cluster.call("GET", "/api/v1/info").status_code for _ in range(3)] == [200, 500, 200]

    def game():
        cluster.process.clear_faults()
        cluster.process.sim("fault", path="/api/v1/info", probability=0.5, seed=3, status=500)
        return [cluster.call("GET", "/api/v1/info").status_code for _ in range(12)]

    first = game()
    assert first == game() and set(first) == {200, 500}


def test_a_misspelt_fault_or_knob_is_refused(cluster):
    for action, body in (("fault", {"stauts": 500}), ("fault", {}), ("fault", {"drop": "never"}), ("set", {"paralelism": 1}),
                         ("script", {"pods": [{"outcome": "explode"}]})):
        with pytest.raises(ValueError):
            cluster.process.sim(action, **body)


@pytest.mark.parametrize("mode, error", [("refuse", requests.ConnectionError), ("hang", requests.Timeout)])
def test_a_partition_cuts_the_network_while_the_cluster_goes_on(clusters, mode, error):
    cluster = clusters.start()
    cluster.submit(pipeline("unseen"))
    cluster.process.sim("partition", mode=mode)
    with pytest.raises(error):
        requests.get(cluster.url + "/api/v1/version", timeout=0.3)
    cluster.process.sim("partition", mode="")
    assert cluster.wait("unseen")["status"]["phase"] == "Succeeded"


def test_a_workflow_vanishes_by_hand_from_the_archive_too(clusters):
    cluster = clusters.start("--archive")
    cluster.submit(pipeline("gone"))
    cluster.wait("gone", "Succeeded")
    cluster.process.sim("vanish", name="gone")
    assert cluster.call("GET", "/api/v1/workflows/odm/gone").status_code == 404


def test_a_token_expires_on_request(clusters):
    cluster = clusters.start("--token", "secret")
    assert cluster.call("GET", "/api/v1/version").status_code == 200
    cluster.process.sim("set", tokens=["renewed"])
    assert cluster.call("GET", "/api/v1/version").status_code == 401


def test_the_clock_can_be_wrong(clusters):
    from simulator_kit.clock import parse_rfc3339

    cluster = clusters.start()
    cluster.process.sim("set", clockShift=-7200)
    answer = cluster.create(pipeline("early"))
    created = parse_rfc3339(answer.json()["metadata"]["creationTimestamp"])
    assert 7000 < time.time() - created < 7400
    assert answer.headers["Date"] != requests.get(cluster.process.control_url + "/_sim/fault", timeout=5).headers["Date"]


def test_the_journal_has_every_request_and_what_came_of_it(cluster, name):
    cluster.process.sim("fault", **CREATE, count=1, status=500)
    cluster.create(pipeline(name))
    cluster.create(pipeline(name))
    cluster.wait(name, "Succeeded")
    journal = cluster.process.read("journal")
    creates = [entry for entry in journal["requests"] if entry["method"] == "POST"][-2:]
    assert [(entry["status"], bool(entry["fault"])) for entry in creates] == [(500, True), (200, False)]
    assert journal["effects"]["created"][name] == journal["effects"]["endedSucceeded"][name] == 1


def certificate(folder, name):
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    made, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made],
                   check=True, capture_output=True)
    return str(made), str(key)


def test_tls_with_a_certificate_of_its_own(clusters, tmp_path):
    server, key = certificate(tmp_path, "server")
    cluster = clusters.start("--tls-certificate", server, "--tls-key", key)
    assert cluster.url.startswith("https://")
    assert cluster.call("GET", "/api/v1/version", verify=server).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        cluster.call("GET", "/api/v1/version", verify=ssl.get_default_verify_paths().cafile or True)


def test_a_client_certificate_can_be_demanded(clusters, tmp_path):
    server, key = certificate(tmp_path, "server")
    client = certificate(tmp_path, "client")
    cluster = clusters.start("--tls-certificate", server, "--tls-key", key, "--tls-client-ca", client[0])
    assert cluster.call("GET", "/api/v1/version", verify=server, cert=client).status_code == 200
    with pytest.raises(requests.RequestException):
        requests.get(cluster.url + "/api/v1/version", verify=server, timeout=5)


def test_below_a_base_path_the_rest_is_a_proxys_404_in_html(clusters):
    cluster = clusters.start("--base-href", "/argo/")
    assert cluster.call("GET", "/argo/api/v1/version").status_code == 200
    missing = cluster.call("GET", "/api/v1/version")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "text/html")

"""A mixed federation: two Argo clusters, another ScaleODM and two NodeODM nodes, uploads by PyODM and images in S3."""

import pytest

from harness.federation import Federation, Job, Polling
from harness.s3 import Place
from harness.waiting import eventually

pytestmark = [pytest.mark.only("gateway"), pytest.mark.timeout(400)]

#: How each task comes, and where it has to go: lowest tier first, the next when it is full. Ground control never goes to nyc.
ARRIVALS = [
    ("PyODM", True, {"fra", "ams"}), ("S3", True, {"fra", "ams"}), ("one request", False, {"fra", "ams"}),
    ("S3", False, {"fra", "ams"}), ("PyODM", False, {"nyc"}), ("PyODM", True, {"node1", "node2"}),
    ("S3", False, {"nyc"}), ("S3", True, {"node1", "node2"}),
]


@pytest.fixture
def federation(world, profile):
    made = Federation(world)
    yield made
    made.close()


def filled(federation):
    """A job in each slot, and where each went."""
    jobs, homes = [], []
    for number, (by, with_gcp, wanted) in enumerate(ARRIVALS, 1):
        job = Job(federation, number, by, with_gcp)
        homes.append(federation.home(job.uuid))
        assert homes[-1] in wanted, federation.shown(job.uuid)
        jobs.append(job)
    return jobs, homes


def test_each_kind_is_used_by_tier_and_gives_back_what_was_sent(federation, tmp_path):
    jobs, homes = filled(federation)
    assert sorted(homes) == ["ams", "ams", "fra", "fra", "node1", "node2", "nyc", "nyc"]
    told = federation.shown(jobs[5].uuid)
    assert "gcp" in str(told["events"]).lower(), "why it isn't on the other ScaleODM"
    waiting = Job(federation, 9, "PyODM")
    federation.api.wait(waiting.uuid, 10)
    assert federation.shown(waiting.uuid)["state"] == "queued"
    federation.release()
    for job in [*jobs, waiting]:
        job.assert_came_back(tmp_path)
    # What runs on the clusters and on the other ScaleODM leaves its results in the client's place, and tells it.
    for job, home in zip(jobs, homes):
        info = federation.api.task(job.uuid)
        if job.by == "S3" and not home.startswith("node"):
            assert info["s3OutputPath"] == job.place.rstrip("/") + "-output/"
            assert "odm_report/inputs.json" in dict(federation.store.storage.list(Place.parse(info["s3OutputPath"])))
        else:
            assert "s3OutputPath" not in info
    last = federation.home(waiting.uuid)
    ran = {cluster.name: cluster.runs() for cluster in (federation.fra, federation.ams)}
    ran |= {"nyc": federation.nyc.starts()} | {node.name: node.starts() for node in federation.nodes}
    for name, starts in ran.items():
        assert set(starts.values()) == {1}, f"something ran twice on {name}: {starts}"
        assert len(starts) == homes.count(name) + (last == name)


def test_a_cluster_and_a_node_die_and_another_cluster_is_away_on_the_way(federation, tmp_path):
    jobs, homes = filled(federation)
    lost = [job for job, home in zip(jobs, homes) if home == "ams"]
    with Polling(federation.api, [job.uuid for job in jobs]) as polling:
        # One cluster is gone for good, its pods with it; the operator says so.
        federation.ams.stop()
        eventually("it is offline", lambda: not federation.backend("ams")["online"], 60)
        assert federation.gateway.cli("backends", "evacuate", "ams", "--yes").stdout == "2 moved away from ams\n"
        # One is away for a while, and its pods work on.
        federation.fra.partition()
        eventually("it is offline", lambda: not federation.backend("fra")["online"], 60)
        # A node is killed and comes back, and the gateway too.
        node = federation.nodes[1]
        node.kill()
        node.start()
        federation.gateway.restart_after_kill()
        late = Job(federation, 9, "S3")
        federation.release()
        federation.fra.partition("")
        for job in [*jobs, late]:
            job.assert_came_back(tmp_path)
    assert polling.answers > len(jobs), "it polled all the while"
    assert not polling.wrong, polling.wrong[:3]
    for job in lost:
        attempts = federation.shown(job.uuid)["attempts"]
        assert [attempt["number"] for attempt in attempts if attempt["backend"] == "ams"] == [1]
        # What a copy that nobody saw end may still write is not where a later attempt writes.
        place = federation.api.task(job.uuid).get("s3OutputPath")
        assert place is None or place == f"{job.place.rstrip('/')}-output/attempt-{attempts[-1]['number']}/"
    assert set(federation.fra.runs().values()) == {1}
    assert set(federation.nyc.starts().values()) == {1}

"""Fixtures of the conformance suite: targets by profile, worlds of nodes and gateways, and logs where a test fails."""

import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# Everything is on loopback. Without this each HTTP call walks through the environment for proxies, which pytest changes beneath the
# threads of a test: it then ends by a KeyError of PYTEST_CURRENT_TEST.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

from harness import programs
from harness.argo import ArgoCluster
from harness.cable import Cable
from harness.gateway import Gateway
from harness.images import Flight, jpeg
from harness.pod import Pod
from harness.postgres import Postgres
from harness.receiver import Receiver
from harness.s3 import S3Server
from harness.scaleodm import ScaleODMInstance
from harness.simulator import Simulator
from harness.stub import StubNode
from harness.tls import TLSFront

def pytest_configure(config):
    config.addinivalue_line("markers", "only(profile): the test says something about this profile alone")
    config.addinivalue_line("markers", "databases: the test runs on SQLite and on PostgreSQL")


def pytest_generate_tests(metafunc):
    if "profile" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only")
        metafunc.parametrize("profile", list(only.args) if only else ["nodeodm", "gateway"], scope="session")
    if "database" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True, scope="module")


def leave_out_gaps(config, items):
    """Leaves out what gaps.txt lists: promises not kept yet. The simulator keeps them all."""
    if os.environ.get("SCALEODM_GAP_TESTS") == "1":
        return
    text = (pathlib.Path(__file__).parent / "gaps.txt").read_text()
    gaps = tuple(line for line in text.splitlines() if line and not line.startswith("#"))
    out = [item for item in items
           if item.nodeid.split("Conformance/")[-1].startswith(gaps) and "[nodeodm" not in item.nodeid]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_collection_modifyitems(config, items):
    leave_out_gaps(config, items)
    if os.environ.get("SCALEODM_HEAVY_TESTS") == "1":
        return
    heavy = [item for item in items if item.get_closest_marker("heavy")]
    if heavy:
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in heavy]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the ends of the logs of all programs that ran during a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed or report.outcome == "rerun":
        begin = getattr(item, "_begin", 0)
        for program in programs.started:
            if program.running or program.born >= begin:
                report.sections.append((f"log of {program.name} ({program.pid})", program.tail()))


def pytest_terminal_summary(terminalreporter):
    """Shows why the tests failed that passed when they were tried again."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"tried again: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
        for name, text in report.sections:
            terminalreporter.write_line(f"-- {name}")
            terminalreporter.write_line(text)


@pytest.fixture(autouse=True)
def _begin(request):
    """When a test began tells which programs' logs belong to it. (pytest-timeout bounds it.)"""
    request.node._begin = time.monotonic()


@pytest.fixture(scope="session")
def scratch():
    """A folder for the session, removed at its end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="conformance-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def flight(scratch):
    folder = scratch / "flight"
    folder.mkdir()
    return Flight(folder)


@pytest.fixture(scope="session")
def photos():
    """Twelve small pictures as (name, bytes)."""
    return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(1, 13)]


class World:
    """Everything that a test starts; closed in reverse order, and a program that ended by itself fails the test."""

    def __init__(self, folder):
        self.folder = folder
        self._closing = contextlib.ExitStack()
        self._count = 0

    def _place(self, kind):
        self._count += 1
        return self.folder / f"{kind}{self._count}"

    def node(self, name=None, **flags):
        place = self._place("node")
        node = Simulator(place, name or place.name, **flags)
        self._closing.callback(node.stop)
        return node

    def s3(self, kind="rclone", buckets=("data",)):
        return self._stopped_later(S3Server(self._place("s3"), kind, buckets))

    def argo(self, name=None, **settings):
        """A simulated cluster; short times unless the test says otherwise."""
        place = self._place("argo")
        return self._stopped_later(ArgoCluster(place, name or place.name, **{"run_seconds": 0.3, **settings}))

    def scaleodm(self, s3, name=None, **flags):
        name = name or self._place("scaleodm").name
        return self._stopped_later(ScaleODMInstance(s3, name, **{"run_seconds": 0.3, **flags}))

    def gateway(self, backends, settings=None, token=None, start=True, environment=None):
        gateway = Gateway(self._place("gateway"), backends, settings, token, start, environment)
        self._closing.callback(gateway.stop)
        return gateway

    def pod(self, cluster, variables, start=True):
        """A gateway without a file in a pod of the cluster."""
        return self._stopped_later(Pod(self._place("pod"), cluster, variables, start))

    def _stopped_later(self, thing):
        self._closing.callback(thing.stop)
        return thing

    def _closed_later(self, thing):
        self._closing.callback(thing.close)
        return thing

    def stub(self, slots=1):
        return self._closed_later(StubNode(slots))

    def cable(self, port):
        return self._closed_later(Cable(port))

    def tls(self, port):
        """TLS in front of a plain server; its `authority` is the certificate to trust."""
        return self._closed_later(TLSFront(port, self.folder / "tls"))

    def receiver(self, *script):
        return self._closed_later(Receiver(script or (200,)))

    def target(self, profile, nodes=1, settings=None, token=None, **flags):
        """A node, or a gateway with `nodes` nodes, as one thing to send requests to."""
        if profile == "nodeodm":
            return Target(self.node(token=token, **flags), [])
        behind = [self.node(**flags) for _ in range(nodes)]
        return Target(self.gateway(behind, settings, token), behind)

    def close(self, keep=False):
        """Stops everything; the folder goes too unless it is kept."""
        try:
            self._closing.close()
        finally:
            if not keep:
                shutil.rmtree(self.folder, ignore_errors=True)


class Target:
    """What a profile's tests talk to: the simulator itself, or the gateway with its nodes."""

    def __init__(self, server, nodes):
        self.server = server
        self.profile = server.profile
        self.nodes = nodes or [server]

    @property
    def api(self):
        return self.server.api

    @property
    def is_gateway(self):
        return self.profile == "gateway"

    @property
    def data_folder(self):
        return self.server.data_folder

    def starts(self, uuid):
        return sum(node.starts(uuid) for node in self.nodes)

    def files(self, uuid):
        """What the nodes received for a task: (name, sha256), sorted."""
        return sorted(file for node in self.nodes for file in node.files(uuid))

    def hold(self, on=True):
        """Tasks that run go on running until this is switched off again."""
        for node in self.nodes:
            node.set(hold=on)

    def leftovers(self):
        """Names of the files below the data folder that belong to uploads and tasks."""
        place = self.server.storage_folder if self.is_gateway else self.server.data_folder
        own = ("tasks.json", "journal.jsonl")
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file() and path.name not in own)


@pytest.fixture
def world(scratch):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="world-", dir=scratch))
    world = World(folder)
    yield world
    world.close()


@pytest.fixture(scope="session")
def _shared(scratch):
    """Targets that many tests share, made when first asked for."""
    world = World(scratch / "shared")
    made = {}

    def get(profile, kind, **settings):
        if (profile, kind) not in made:
            made[profile, kind] = world.target(profile, **settings)
        target = made[profile, kind]
        assert target.server.program.running, f"the shared {profile} ended:\n{target.server.program.tail()}"
        return target

    yield get
    world.close()


#: A gateway's test of a URL upload talks to loopback.
_SHARED_SETTINGS = {"fetch": {"allow_private_addresses": True}}


@pytest.fixture
def target(profile, _shared):
    """Tasks of a third of a second, four at a time."""
    return _shared(profile, "fast", max_parallel=4, task_seconds=0.3, init_seconds=0, settings=_SHARED_SETTINGS)


@pytest.fixture
def slow(profile, _shared):
    """Tasks that do not end by themselves, many at a time."""
    return _shared(profile, "slow", max_parallel=50, task_seconds=3600, init_seconds=0, settings=_SHARED_SETTINGS)


@pytest.fixture(scope="session")
def _postgres():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="module")
def database(request):
    """A function that gives the settings of a gateway with an empty database of this kind."""
    if request.param == "sqlite":
        return lambda: {"database": "sqlite:data/scaleodm.db"}
    server = request.getfixturevalue("_postgres")
    return lambda: {"database": server.database()}

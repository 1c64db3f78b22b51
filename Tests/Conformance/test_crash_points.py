"""The gateway kills itself at each transition of a task's life, just before and just after it is durable.

After its restart the task comes to the end that its owner wanted, and by the node's own journal it ran as often as he wanted.
A point is the name of a statement of the record: `task.conclude:before:2` is the moment before the second end of a task.
Points run several at a time, since most of their time is waiting.
"""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import tempfile
import uuid as uuids

import pytest

from conftest import World
from harness.crashes import Mortal
from harness.s3 import Place
from harness.waiting import eventually

OK = {"success": True}


def sent(mortal, photos, **fields):
    """A committed task; every step of its client is repeated until it is answered."""
    uuid = str(uuids.uuid4())
    assert mortal.ask(lambda api: api.init(fields, uuid)) == {"uuid": uuid}
    for photo in photos:
        assert mortal.ask(lambda api: api.upload(uuid, [photo])) == OK
    assert mortal.ask(lambda api: api.commit(uuid)) == {"uuid": uuid}
    return uuid


def ends(mortal, uuid, code):
    mortal.until(f"it shows {code}", lambda api: api.code(uuid) == code)


def starts(*nodes):
    return sum(sum(node.starts().values()) for node in nodes)


# What a task's life can be. Each runs with one point, and has passed it at its end.


def to_its_end(world, point, database, photos):
    node, receiver = world.node(task_seconds=0.2, output_lines=5), world.receiver()
    settings = {**database, "webhooks": {"allow_private_addresses": True}}
    mortal = Mortal(world, point, [node], settings)
    uuid = sent(mortal, photos[:2], webhook=receiver.url + "/end")
    ends(mortal, uuid, 40)
    mortal.until("its owner is told", lambda api: receiver.received)
    mortal.die()
    ends(mortal, uuid, 40)
    answer = mortal.ask(lambda api: api.download(uuid))
    assert answer.status_code == 200 and answer.content[:2] == b"PK"
    assert starts(node) == 1
    assert len({call["headers"]["X-Webhook-ID"] for call in receiver.received}) == 1


def refused_once(world, point, database, photos):
    node = world.node(task_seconds=0.2)
    node.set(status500={"init": 1})
    mortal = Mortal(world, point, [node], database)
    uuid = sent(mortal, photos[:1])
    ends(mortal, uuid, 40)
    mortal.die()
    assert starts(node) == 1


def sent_ahead(world, point, database, photos):
    node = world.node(task_seconds=0.2, hold=True)
    mortal = Mortal(world, point, [node], {**database, "scheduling": {"prefetch": 1}})
    first = sent(mortal, photos[:1])
    eventually("the first runs", lambda: starts(node) == 1)
    second = sent(mortal, photos[1:2])
    if "promote" not in point:
        mortal.die()
    eventually("the second's inputs are there", lambda: node.requests("upload") >= 2)
    node.set(hold=False)
    for uuid in (first, second):
        ends(mortal, uuid, 40)
    mortal.die()
    assert starts(node) == 2


def cancelled_while_it_runs(world, point, database, photos):
    node = world.node(hold=True)
    mortal = Mortal(world, point, [node], database)
    uuid = sent(mortal, photos[:1])
    eventually("it runs", lambda: starts(node) == 1)
    mortal.until("that is known", lambda api: api.output(uuid))
    assert mortal.ask(lambda api: api.act("cancel", uuid)) == OK
    assert mortal.ask(lambda api: api.code(uuid)) == 50
    eventually("the node ends it", lambda: [node.api.code(task) for task in node.api.tasks()] == [50])
    mortal.die()
    assert mortal.ask(lambda api: api.code(uuid)) == 50
    assert starts(node) == 1


def cancelled_in_the_queue(world, point, database, photos):
    node = world.node(hold=True)
    mortal = Mortal(world, point, [node], database)
    first = sent(mortal, photos[:1])
    eventually("the first runs", lambda: starts(node) == 1)
    second = sent(mortal, photos[1:2])
    mortal.until("the second waits", lambda api: api.code(second) == 10)
    assert mortal.ask(lambda api: api.act("cancel", second)) == OK
    mortal.die()
    ends(mortal, second, 50)
    node.set(hold=False)
    node.set(taskSeconds=0.1)
    ends(mortal, first, 40)
    assert starts(node) == 1


def started_again(world, point, database, photos):
    node = world.node(task_seconds=0.2)
    mortal = Mortal(world, point, [node], database)
    uuid = sent(mortal, photos[:1])
    ends(mortal, uuid, 40)
    answer = mortal.ask(lambda api: api.act("restart", uuid))
    # Asked once more after the first took effect, it may be running already.
    assert answer == OK or mortal.deaths == 1, answer
    eventually("it runs again", lambda: starts(node) == 2 or mortal.revive())
    mortal.die()
    ends(mortal, uuid, 40)
    assert starts(node) == 2


def removed(world, point, database, photos):
    node = world.node(task_seconds=0.2)
    mortal = Mortal(world, point, [node], database)
    uuid = sent(mortal, photos[:1])
    ends(mortal, uuid, 40)
    mortal.ask(lambda api: api.act("remove", uuid))
    mortal.die()
    assert "error" in mortal.ask(lambda api: api.task(uuid))
    eventually("the node has forgotten it", lambda: not node.api.tasks())
    files = mortal.gateway.storage_folder
    eventually("its files are gone", lambda: not list(files.glob(f"{uuid}/**/*.*")))
    assert starts(node) == 1


def retention(point):
    """Tasks go only where that is what the point is about; time enough to see their end first."""
    return {"limits": {"input_retention": "1s", "task_retention": "8s" if "hide" in point or "delete" in point else "1h"}}


def kept_for_a_second(world, point, database, photos):
    node = world.node(task_seconds=0.2)
    mortal = Mortal(world, point, [node], {**database, **retention(point)})
    uuid = sent(mortal, photos[:1])
    ends(mortal, uuid, 40)
    mortal.die()
    files = mortal.gateway.storage_folder
    eventually("its inputs are gone", lambda: not list(files.glob(f"{uuid}/**/*.JPG")))
    assert starts(node) == 1


def in_a_bucket(world, point, database, photos, **more):
    """A task whose files are in object storage and that has ended; and what is others' there, below the same name too."""
    s3, node = world.s3(), world.node(task_seconds=0.2)
    mortal = Mortal(world, point, [node], {**database, "storage": {"s3": s3.settings()}, **more})
    uuid = sent(mortal, photos[:1])
    theirs = {"flight/IMG_0001.JPG": b"theirs", f"{uuid}/input/IMG_0001.JPG": b"theirs"}
    s3.put("s3://data/", list(theirs.items()))
    ends(mortal, uuid, 40)
    return mortal, node, s3, uuid, theirs


def only_theirs_are_left(s3, uuid, theirs):
    def left():
        # Names alone: an object may go while the others are read.
        return {name for name, _ in s3.storage.list(Place.parse("s3://data/")) if uuid in name or name in theirs}

    eventually("its files are gone", lambda: left() <= set(theirs))
    assert {name: s3.files("s3://data/").get(name) for name in theirs} == theirs, "others' aren't"


def kept_for_a_second_in_a_bucket(world, point, database, photos):
    mortal, node, s3, uuid, theirs = in_a_bucket(world, point, database, photos, **retention(point))
    mortal.die()
    only_theirs_are_left(s3, uuid, theirs)
    assert starts(node) == 1


def removed_from_a_bucket(world, point, database, photos):
    mortal, node, s3, uuid, theirs = in_a_bucket(world, point, database, photos)
    mortal.ask(lambda api: api.act("remove", uuid))
    mortal.die()
    assert "error" in mortal.ask(lambda api: api.task(uuid))
    only_theirs_are_left(s3, uuid, theirs)
    eventually("the node has forgotten it", lambda: not node.api.tasks())
    assert starts(node) == 1


def given_up_in_a_bucket(world, point, database, photos):
    s3, node = world.s3(), world.node()
    limits = {"limits": {"stale_upload": "2s"}}
    mortal = Mortal(world, point, [node], {**database, "storage": {"s3": s3.settings()}, **limits})
    uuid = str(uuids.uuid4())
    assert mortal.ask(lambda api: api.init({}, uuid)) == {"uuid": uuid}
    # Under load the upload may be given up before its file has come.
    mortal.ask(lambda api: api.upload(uuid, photos[:1]))
    mortal.die()
    only_theirs_are_left(s3, uuid, {})
    assert not node.starts()


#: Each life with the transitions that are passed in it. What several statements of one transaction do is one of them.
LIVES = {
    to_its_end: [
        "task.create", "file.add", "file.add:2", "task.commit", "attempt.insert", "attempt.sending",
        "attempt.committing", "attempt.accepted", "output.insert", "task.conclude", "webhook.close",
    ],
    refused_once: ["task.requeue", "attempt.insert:2", "cleanup.done"],
    sent_ahead: ["attempt.insert:2", "attempt.sending:2", "attempt.promote"],
    cancelled_while_it_runs: ["task.intent", "task.conclude"],
    cancelled_in_the_queue: ["task.waiting", "task.conclude"],
    started_again: ["task.restart", "attempt.insert:2", "attempt.committing:2", "attempt.accepted:2", "task.conclude:2"],
    removed: ["task.hide", "cleanup.done", "task.delete"],
    kept_for_a_second: ["task.expire_inputs", "task.inputs_removed", "task.hide"],
    kept_for_a_second_in_a_bucket: ["task.expire_inputs", "task.inputs_removed", "task.hide", "task.delete"],
    removed_from_a_bucket: ["task.hide", "task.delete"],
    given_up_in_a_bucket: ["task.hide", "task.delete"],
}


def _points():
    for life, transitions in LIVES.items():
        for transition in transitions:
            name, _, count = transition.partition(":")
            for side in ("before", "after"):
                yield life, f"{name}:{side}" + (f":{count}" if count else "")


POINTS = list(_points())


@pytest.fixture(scope="module")
def results(request, scratch, photos):
    """Begins all the points that are asked for at once, a few at a time, in their order."""
    wanted = [item.callspec.params for item in request.session.items if item.function is test_crash_point]
    server = None
    if any(params["kind"] == "postgresql" for params in wanted):
        server = request.getfixturevalue("_postgres")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crashes-", dir=scratch))

    def live(number, life, point, kind):
        database = server.database() if kind == "postgresql" else "sqlite:data/scaleodm.db"
        with contextlib.closing(World(folder / str(number))) as world:
            world.folder.mkdir()
            life(world, point, {"database": database}, photos)

    at_once = int(os.environ.get("SCALEODM_POINTS_AT_ONCE", 6))
    tries = itertools.count()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        def begin(life, point, kind):
            return pool.submit(live, next(tries), life, point, kind)

        begun = {tuple(params[name] for name in ("life", "point", "kind")): begin(**params) for params in wanted}
        # A point that is looked at a second time is lived through a second time.
        yield lambda *key: (begun.pop(key, None) or begin(*key)).result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "life, point", POINTS, ids=[f"{life.__name__}-{point}" for life, point in POINTS])
def test_crash_point(results, life, point, kind):
    results(life, point, kind)

"""`make demo-argo`: the main job before the user's eyes, with a simulated Argo cluster whose pods really run, and an S3 server.

    .build/venv/bin/python Tests/Conformance/demo_argo.py [--keep]

Everything happens in a temporary folder and on loopback ports that are free. What was started is stopped at the end, also after
Ctrl-C and after a failure; nothing is asked, and five minutes are the most that it takes.
"""

import argparse
import contextlib
import io
import pathlib
import signal
import sys
import tempfile
import zipfile

from conftest import World
from harness.api import COMPLETED, FINAL, plain
from harness.images import GCP, jpeg
from harness.waiting import eventually

MOST_SECONDS = 300
IMAGES = 12
WORDS = {10: "queued", 20: "running", 30: "failed", 40: "completed", 50: "canceled"}
NEXT_STEPS = """
With a cluster and a bucket of your own:
  1. create the roles, the pods' service account and the secret of docs/backends.md in the cluster
  2. name cluster and bucket in an inventory (config/gateway.example.yaml: `kind: argo`, `storage.s3`)
  3. run: scaleodm check FILE --probe
  4. run: scaleodm serve -c FILE
  5. Tests/Conformance/real-cluster tries all of it there, and says what doesn't work"""


class DemoFailure(Exception):
    """Something did not work; the text is for the user."""


def say(text=""):
    print(text, flush=True)


class Demo:
    """The programs, two tasks from images to results, and what was seen of them."""

    def __init__(self, world):
        self.world = world

    def run(self):
        self.start()
        uploaded, named = self.submit_uploaded(), self.submit_named()
        for number, uuid in enumerate((uploaded, named), 1):
            self.collect(number, uuid)
        self.show_cluster()
        self.show_store(uploaded, named)
        for number, uuid in enumerate((uploaded, named), 1):
            say(f"\nWhere task {number} went, and why (scaleodm tasks show {uuid}):")
            say(self.indented(self.cli("tasks", "show", uuid)))

    def start(self):
        say("Starting an S3 server, a simulated Argo cluster whose pods run as processes here, and the gateway")
        self.store = self.world.s3(buckets=("imagery", "flights"))
        say(f"  S3 at {self.store.url}: bucket imagery is the gateway's, flights a client's")
        self.cluster = self.world.argo("fra", s3=self.store, execute=True)
        say(f"  cluster fra at {self.cluster.url}, namespace {self.cluster.namespace}")
        self.gateway = self.world.gateway([self.cluster], {"storage": {"s3": self.store.settings(bucket="imagery")}})
        say(f"  the gateway at {self.gateway.url}, its admin listener at {self.gateway.admin_url}")

    def submit_uploaded(self):
        folder = self.world.folder / "images"
        folder.mkdir()
        for number in range(1, IMAGES + 1):
            (folder / f"IMG_{number:04d}.JPG").write_bytes(jpeg(number))
        (folder / "gcp_list.txt").write_bytes(GCP)
        say(f"\nTask 1: {IMAGES} generated images and ground control, uploaded through the gateway (scaleodm submit)")
        return self.told(self.cli("submit", *sorted(folder.iterdir()), "--name", "Uploaded", "--option", "dsm=true"))

    def submit_named(self):
        place = "s3://flights/field-7/"
        self.store.put(place, [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(101, 101 + IMAGES)])
        say(f"Task 2: {IMAGES} images that lie in the bucket already (POST /task/new with zipurl={place})")
        made = plain(self.gateway.api.post("/task/new", json={"zipurl": place, "name": "In the bucket"}))
        return self.told(made["uuid"])

    @staticmethod
    def told(uuid):
        say(f"  it is {uuid}")
        return uuid

    def collect(self, number, uuid):
        shown = []

        def ended():
            info = self.gateway.api.task(uuid)
            code = info["status"]["code"]
            # Each tenth, so that a log of the demo stays readable.
            step = (code, int(info["progress"]) // 10)
            if step not in shown:
                shown.append(step)
                say(f"  task {number}: {WORDS[code]}, {info['progress']:.0f} %")
            return code in FINAL and info

        say()
        info = eventually(f"task {number} ends", ended, MOST_SECONDS)
        if info["status"]["code"] != COMPLETED:
            raise DemoFailure(f"task {number} {WORDS[info['status']['code']]}: {info['status'].get('errorMessage', '')}")
        body = self.gateway.api.download(uuid).content
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if archive.testzip() is not None:
                raise DemoFailure(f"the all.zip of task {number} is not whole")
            count = len(archive.namelist())
        (self.world.folder / f"results-{number}.zip").write_bytes(body)
        say(f"Task {number} completed; its all.zip, {len(body) / 1024:.0f} KiB, holds {count} files, every checksum right")

    def show_cluster(self):
        say(f"\nWhat the cluster has (kubectl get workflows -n {self.cluster.namespace}):")
        for workflow in self.cluster.workflows():
            say(f"  {workflow['metadata']['name']:52} {workflow['status'].get('phase', '')}")

    def show_store(self, uploaded, named):
        say("\nWhat is in the object store:")
        for title, place in [("inputs of task 1, under names of the gateway's own", f"s3://imagery/scaleodm/{uploaded}/input/"),
                             ("results of task 1", f"s3://imagery/scaleodm/{uploaded}/attempt-1/"),
                             ("results of task 2, beside its images", self.gateway.api.task(named)["s3OutputPath"])]:
            files = self.store.files(place)
            some = ", ".join(sorted(files)[:3])
            say(f"  {place}\n    {title}: {len(files)} objects ({some}, …)")

    def cli(self, *words):
        done = self.gateway.cli(*words)
        if done.returncode != 0:
            raise DemoFailure(f"scaleodm {words[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    @staticmethod
    def indented(text):
        return "\n".join("  " + line for line in text.splitlines())


def run(demo):
    """Runs it; the exit code."""
    try:
        demo.run()
        return 0
    except KeyboardInterrupt:
        say("\nStopped.")
    except (DemoFailure, AssertionError, OSError) as error:
        print(f"The demo did not come through: {error}", file=sys.stderr)
    finally:
        signal.alarm(0)
    return 1


def interrupted(*_):
    raise KeyboardInterrupt


def too_long(*_):
    raise DemoFailure(f"it took more than {MOST_SECONDS} s")


def main():
    parser = argparse.ArgumentParser(prog="demo-argo", description="The gateway over a simulated Argo cluster and an S3 server.")
    parser.add_argument("--keep", action="store_true", help="keep the folder with inventory, logs, images and results")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(MOST_SECONDS)
    with contextlib.ExitStack() as cleaning:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="scaleodm-demo-argo-"))
        world = World(folder)
        if options.keep:
            cleaning.callback(say, f"Everything is in {folder}")
        cleaning.callback(world.close, keep=options.keep)
        code = run(Demo(world))
        # A further Ctrl-C waits for the clean-up, which is bounded.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if code == 0:
        say("Everything that was started has been stopped.")
        say(NEXT_STEPS)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Brings the results to the object store: the container `upload`. Runs in the engine's image, with the rclone that `download` left.

all.zip is streamed, so that the workspace needn't hold the results twice. `_DONE.json` comes last: without it the results don't
count as complete. Exit codes, which the gateway words: 64 the task can't be read, 65 the output place refuses us, 69 nothing to keep.
"""
import base64
import glob
import json
import os
import subprocess
import sys
import zipfile

WORKSPACE = "/workspace"
STATE = os.path.join(WORKSPACE, ".gw")
# What clients of NodeODM expect in all.zip; names as the engine writes them.
PRODUCTS = [
    "odm_orthophoto/odm_orthophoto.*", "odm_orthophoto/cutline.gpkg", "odm_georeferencing", "odm_texturing",
    "odm_dem/dsm.tif", "odm_dem/dtm.tif", "dsm_tiles", "dtm_tiles", "orthophoto_tiles", "potree_pointcloud",
    "entwine_pointcloud", "3d_tiles", "images.json", "cameras.json", "task_output.txt", "log.json", "odm_report",
]


def fail(code, text):
    print("gateway: " + text, file=sys.stderr, flush=True)
    sys.exit(code)


def load_task():
    packed = os.environ.get("GW_TASK_B64")
    try:
        if packed:
            return json.loads(base64.urlsafe_b64decode(packed))
        with open(os.path.join(STATE, "task.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        fail(64, "the task's description can't be read: %s" % error)


class Place:
    """The attempt's output place."""

    def __init__(self, task):
        self.remote = "s3:" + task["rclone"]["output"]
        self.environment = dict(os.environ)
        if task["rclone"].get("endpoint"):
            self.environment["RCLONE_CONFIG_S3_ENDPOINT"] = task["rclone"]["endpoint"]
        if task["rclone"].get("region"):
            self.environment["RCLONE_CONFIG_S3_REGION"] = task["rclone"]["region"]

    def start(self, *arguments, **more):
        # Parts of 32 MiB: 10,000 of them are 312 GiB, and few at once keep the memory small.
        sizes = ["--s3-chunk-size", "32M", "--s3-upload-concurrency", "2", "--streaming-upload-cutoff", "1M"]
        return subprocess.Popen(
            [os.path.join(STATE, "rclone")] + list(arguments) + sizes, env=self.environment, **more)

    def write(self, name, content):
        process = self.start("rcat", self.remote + "/" + name, stdin=subprocess.PIPE)
        process.communicate(content)
        if process.returncode != 0:
            fail(65, "%s can't be written" % name)


def files_below(root, path):
    """Regular files at or below a path, relative to the root; nothing outside of it, however it is linked."""
    real = os.path.realpath(path)
    if real != root and not real.startswith(root + os.sep):
        return
    if os.path.isfile(path):
        yield os.path.relpath(path, root)
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            if os.path.isfile(file) and os.path.realpath(file).startswith(root + os.sep):
                yield os.path.relpath(file, root)


def selected(root, patterns, are_globs):
    chosen = {}
    for pattern in patterns:
        whole = os.path.normpath(os.path.join(root, pattern))
        paths = sorted(glob.glob(os.path.join(glob.escape(root), pattern))) if are_globs else [whole]
        for path in paths:
            for name in sorted(files_below(root, path)):
                chosen[name] = True
    return list(chosen)


def write_zip(place, root, names):
    process = place.start("rcat", place.remote + "/all.zip", stdin=subprocess.PIPE)
    try:
        with zipfile.ZipFile(process.stdin, "w", zipfile.ZIP_STORED, allowZip64=True, strict_timestamps=False) as archive:
            for name in names:
                archive.write(os.path.join(root, name), name)
        process.stdin.close()
    except BrokenPipeError:
        pass
    if process.wait() != 0:
        fail(65, "all.zip can't be written")


def copy_products(place, root, names):
    listed = os.path.join(STATE, "products")
    # A name with a line end can't be listed; it stands in all.zip nevertheless.
    with open(listed, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(name + "\n" for name in names if "\n" not in name and "\r" not in name)
    process = place.start(
        "copy", root, place.remote, "--files-from-raw", listed, "--no-traverse", "--transfers", "4", "--retries", "5",
        "--stats", "60s", "--stats-one-line", "--stats-log-level", "NOTICE")
    if process.wait() != 0:
        fail(65, "the results can't be written")


def write_progress(percent):
    path = os.environ.get("ARGO_PROGRESS_FILE")
    if path:
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write("%d/100\n" % percent)
        except OSError:
            pass


def main():
    task = load_task()
    place = Place(task)
    root = os.path.realpath(os.path.join(WORKSPACE, task["task"]))
    products = selected(root, PRODUCTS, True)
    outputs = task.get("outputs") or []
    asked = selected(root, outputs, False) if outputs else products
    if not asked:
        fail(69, "none of the results is there")
    write_progress(95)
    write_zip(place, root, asked)
    write_progress(97)
    together = list(dict.fromkeys(products + asked))
    copy_products(place, root, together)
    try:
        with open(os.path.join(WORKSPACE, "images.count"), encoding="ascii") as file:
            images = int(file.read())
    except (OSError, ValueError):
        images = -1
    done = {
        "task": task["task"], "workflow": task["workflow"], "attempt": task["attempt"], "files": len(together),
        "bytes": sum(os.path.getsize(os.path.join(root, name)) for name in together), "images": images,
    }
    place.write("_DONE.json", json.dumps(done).encode())
    write_progress(99)
    print("gateway: %d files are in the object store" % len(together), flush=True)


main()

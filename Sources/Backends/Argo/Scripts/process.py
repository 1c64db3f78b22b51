"""Arranges the inputs as a project and runs the engine: the container `process`. Runs in the engine's image.

The engine is started by exec with an argument vector; no shell sees anything of it. Its exit code becomes ours.
Own exit codes, which the gateway words: 64 the task can't be read, 67 no image among the inputs, 68 an archive breaks the
limits, 66 a named file can't be fetched.
"""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile

WORKSPACE = "/workspace"
STATE = os.path.join(WORKSPACE, ".gw")
INPUT = os.path.join(WORKSPACE, "input")
CODE = "/code"
PROGRESS_PORT = 6367
IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
VIDEOS = (".mp4", ".mov", ".lrv", ".ts", ".srt")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
ALIGN = ("align.las", "align.laz", "align.tif")
LONGEST_ARGUMENT = 100_000


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


class Project:
    """The folder that the engine works in."""

    def __init__(self, task):
        self.task = task
        self.root = os.path.join(WORKSPACE, task["task"])
        self.images = os.path.join(self.root, "images")
        self.takes_all = task["input"].get("keep") == "all"
        self.bytes_left = task["limits"]["archiveBytes"]
        self.files_left = task["limits"]["archiveFiles"]
        self.names = set()
        self.count = 0
        self.arguments = []
        # On a volume that outlives its pod, a retried pod finds what the one before left.
        shutil.rmtree(self.root, ignore_errors=True)
        os.makedirs(self.images)

    def arrange(self):
        found = []
        for folder, _, names in os.walk(INPUT):
            found += [os.path.join(folder, name) for name in names]
        for path in sorted(self.named(found)):
            name = os.path.basename(path)
            lower = name.lower()
            if lower.endswith(ARCHIVES):
                self.unpack(path, is_seed=self.takes_all and lower == "seed.zip")
                os.unlink(path)
            elif not self.take_side_file(path, lower):
                self.take_image(path, name)
        shutil.rmtree(INPUT, ignore_errors=True)

    def named(self, found):
        """What was uploaded to the gateway lies under names of its own, so that no file's name is ever a key."""
        names = self.task["input"].get("names")
        if not names:
            return found
        folder = os.path.join(INPUT, ".named")
        os.makedirs(folder)
        result = []
        for path in found:
            name = names.get(os.path.basename(path))
            if name is not None:
                result.append(os.path.join(folder, os.path.basename(name)))
                os.replace(path, result[-1])
        return result

    def take_side_file(self, path, lower):
        if lower == "geo.txt":
            option = "--geo"
        elif lower == "image_groups.txt":
            option = "--split-image-groups"
        elif lower in ALIGN:
            option = "--align"
        elif lower.endswith(".txt"):
            option = "--gcp"
        else:
            return False
        target = os.path.join(self.root, "gcp_list.txt" if option == "--gcp" else lower)
        if option in self.arguments:
            os.unlink(path)
            return True
        os.replace(path, target)
        self.arguments += [option, target]
        return True

    def is_wanted(self, lower):
        return self.takes_all or lower.endswith(IMAGES) or lower.endswith(VIDEOS)

    def take_image(self, path, name):
        if not self.is_wanted(name.lower()):
            os.unlink(path)
            return
        os.replace(path, os.path.join(self.images, self.free_name(name)))
        self.count += 1

    def free_name(self, name):
        stem, ending = os.path.splitext(name)
        number = 0
        candidate = name
        while candidate.lower() in self.names:
            number += 1
            candidate = "%s_%d%s" % (stem, number, ending)
        self.names.add(candidate.lower())
        return candidate

    def unpack(self, path, is_seed):
        try:
            if path.lower().endswith(".zip"):
                with zipfile.ZipFile(path) as archive:
                    for entry in archive.infolist():
                        if not entry.is_dir():
                            with archive.open(entry) as source:
                                self.take_entry(entry.filename, source, is_seed)
            else:
                with tarfile.open(path) as archive:
                    for entry in archive:
                        if entry.isfile():
                            self.take_entry(entry.name, archive.extractfile(entry), is_seed)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            fail(68, "%s can't be unpacked: %s" % (os.path.basename(path), error))

    def take_entry(self, entry, source, is_seed):
        self.files_left -= 1
        if self.files_left < 0:
            fail(68, "the archives hold too many files")
        name = entry.replace("\\", "/").rsplit("/", 1)[-1]
        if is_seed:
            target = os.path.normpath(os.path.join(self.root, entry))
            if not target.startswith(self.root + os.sep):
                return
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.dirname(target) == self.images:
                self.names.add(name.lower())
                self.count += 1
        else:
            if not name or name.startswith("."):
                return
            if name.lower() in ("gcp_list.txt", "geo.txt", "image_groups.txt") + ALIGN:
                target = os.path.join(STATE, "side")
            elif not name.lower().endswith(IMAGES + VIDEOS):
                return
            else:
                target = os.path.join(self.images, self.free_name(name))
                self.count += 1
        with open(target, "wb") as file:
            while True:
                piece = source.read(1 << 20)
                if not piece:
                    break
                self.bytes_left -= len(piece)
                if self.bytes_left < 0:
                    fail(68, "the archives unpack to too much")
                file.write(piece)
        if not is_seed and target == os.path.join(STATE, "side"):
            self.take_side_file(target, name.lower())


def rclone_environment(task):
    environment = dict(os.environ)
    if task["rclone"].get("endpoint"):
        environment["RCLONE_CONFIG_S3_ENDPOINT"] = task["rclone"]["endpoint"]
    if task["rclone"].get("region"):
        environment["RCLONE_CONFIG_S3_REGION"] = task["rclone"]["region"]
    return environment


def rclone(task, *arguments, **more):
    return subprocess.run([os.path.join(STATE, "rclone")] + list(arguments), env=rclone_environment(task), **more)


def engine_arguments(task, project):
    """The options as they came; values that name objects or are longer than Linux takes become files."""
    given = list(task["args"])
    for index in range(len(given) - 1):
        if given[index] not in ("--boundary", "--cameras"):
            continue
        value = given[index + 1]
        path = os.path.join(project.root, given[index][2:] + ".json")
        if value.startswith("s3://"):
            if rclone(task, "copyto", "s3:" + value[5:], path).returncode != 0:
                fail(66, "%s can't be fetched" % given[index][2:])
            given[index + 1] = path
        elif len(value.encode()) > LONGEST_ARGUMENT:
            with open(path, "w", encoding="utf-8") as file:
                file.write(value)
            given[index + 1] = path
    # Side files come first: where a client named the option itself, argparse takes the later one.
    return project.arguments + given + task.get("forced", []) + ["--project-path", WORKSPACE, task["task"]]


class Progress:
    """The engine's datagrams `PGUP/pid/project/percent`, brought to 5-95 % of the whole."""

    def __init__(self):
        self.percent = 5
        self.shown = 5
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind(("127.0.0.1", PROGRESS_PORT))
            threading.Thread(target=self.listen, daemon=True).start()
        except OSError as error:
            print("gateway: no progress: %s" % error, flush=True)

    def listen(self):
        while True:
            parts = self.socket.recv(2048).decode("utf-8", "replace").split("/")
            if len(parts) != 4 or parts[0] != "PGUP":
                continue
            try:
                percent = 5 + 0.9 * min(100.0, max(0.0, float(parts[3])))
            except ValueError:
                continue
            if percent > self.percent:
                self.percent = percent
                write_progress(percent)

    def marker(self):
        """A line for the gateway where there is news, else nothing."""
        whole = int(self.percent)
        if whole <= self.shown:
            return b""
        self.shown = whole
        return b"##gw-progress %d\n" % whole


def write_progress(percent):
    path = os.environ.get("ARGO_PROGRESS_FILE")
    if not path:
        return
    try:
        # In place: the executor watches this very file.
        with open(path, "w", encoding="ascii") as file:
            file.write("%d/100\n" % int(percent))
    except OSError:
        pass


def run_engine(arguments, log):
    progress = Progress()
    environment = dict(os.environ, ODM_NONINTERACTIVE="1", PYTHONUNBUFFERED="1")
    for name in list(environment):
        if name.startswith(("AWS_", "RCLONE_CONFIG_S3", "GW_TASK")):
            del environment[name]
    engine = subprocess.Popen(
        ["python3", "run.py"] + arguments, cwd=CODE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, bufsize=0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: engine.send_signal(received))
    at_line_start = True
    while True:
        piece = os.read(engine.stdout.fileno(), 65536)
        if not piece:
            break
        log.write(piece)
        sys.stdout.buffer.write(piece)
        at_line_start = piece.endswith(b"\n")
        if at_line_start:
            sys.stdout.buffer.write(progress.marker())
        sys.stdout.buffer.flush()
    if not at_line_start:
        sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
    code = engine.wait()
    return 128 - code if code < 0 else code


def main():
    task = load_task()
    project = Project(task)
    project.arrange()
    with open(os.path.join(WORKSPACE, "images.count"), "w", encoding="ascii") as file:
        file.write("%d\n" % project.count)
    print("##gw-images %d" % project.count, flush=True)
    if project.count == 0:
        fail(67, "Not enough images: there is none among the inputs")
    write_progress(5)
    arguments = engine_arguments(task, project)
    path = os.path.join(project.root, "task_output.txt")
    start = time.time()
    with open(path, "wb", buffering=0) as log:
        code = run_engine(arguments, log)
    print("gateway: the engine ended with code %d after %d s" % (code, time.time() - start), flush=True)
    if code != 0:
        # The upload stage doesn't run now; the console is all there is to explain it.
        place = "s3:" + task["rclone"]["output"] + "/task_output.txt"
        rclone(task, "copyto", path, place, "--retries", "2", stderr=subprocess.DEVNULL)
    sys.exit(code)


main()

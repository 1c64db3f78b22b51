"""One large file through the gateway in each direction: does it come through whole, and what memory does that take?"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from . import nginx
from .gateway import TOKEN, Gateway
from .processes import OTHER_CORE, Meter

_SIZE = int(os.environ.get("BENCH_MIB", "4096")) << 20
_THRESHOLD = pathlib.Path(__file__).parents[1] / "Thresholds/large-files.json"
#: A node reads a file of this size slowly when everything shares two cores.
_PATIENCE = 600


def main():
    limit = json.loads(_THRESHOLD.read_text())["peak_mib"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scaleodm-large-", dir=os.environ.get("BENCH_FOLDER", "/tmp")))
    os.chmod(folder, 0o755)
    programs = []
    try:
        print(f"one file of {_SIZE >> 20} MiB in each direction")
        peaks = _run(folder, programs)
    finally:
        for program in reversed(programs):
            program.stop()
        shutil.rmtree(folder, ignore_errors=True)
    holds = max(peaks) <= limit
    print(f"{'pass' if holds else 'FAIL'}  peak RSS: {max(peaks):.1f} MiB ≤ {limit}")
    return 0 if holds else 1


def _run(folder, programs):
    source = folder / "large.bin"
    digest = _make(source)
    node = nginx.node("node", folder, source, images=1)
    programs.append(node)
    gateway = Gateway(folder / "gateway", [node])
    programs.append(gateway)
    meter = Meter([gateway.pid])
    peaks = []

    def measured(title, work):
        meter.start()
        begin = time.monotonic()
        work()
        seconds = time.monotonic() - begin
        peaks.append(meter.peak_mib())
        print(f"  {title:34}{seconds:7.1f} s{meter.cpu_seconds():7.1f} s CPU{peaks[-1]:8.1f} MiB peak RSS", flush=True)

    task = gateway.open_upload()
    form = [sys.executable, "-m", "harness.transfer", "form", str(gateway.port),
            f"/task/new/upload/{task}?token={TOKEN}", str(source)]
    measured("upload into storage", lambda: subprocess.run(["taskset", "-c", str(OTHER_CORE), *form], check=True,
                                                           stdout=subprocess.DEVNULL))
    stored = [path for path in (gateway.storage / task.lower()).rglob("*") if path.is_file()]
    if [_digest(path) for path in stored] != [digest]:
        raise RuntimeError("storage doesn't hold what was sent")
    gateway.commit(task)
    measured("from storage to the node", lambda: gateway.await_end(task, _PATIENCE))
    target = f"{gateway.url}/task/{task}/download/all.zip?token={TOKEN}"
    measured("download of the asset", lambda: _download(target, digest))
    return peaks


def _make(path):
    """A file in which no two MiB are equal; returns its SHA-256."""
    block = bytearray(os.urandom(1 << 20))
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(_SIZE >> 20):
            block[:8] = number.to_bytes(8, "big")
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url, digest):
    command = ["taskset", "-c", str(OTHER_CORE), "curl", "--fail", "--silent", "--show-error", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        received = hashlib.file_digest(client.stdout, "sha256").hexdigest()
    if client.returncode != 0 or received != digest:
        raise RuntimeError("the asset didn't come through whole")


if __name__ == "__main__":
    sys.exit(main())

"""A stand-in for OpenDroneMap's run.py: the same way to be called, the same signs of life, no reconstruction.

It takes any options, finds the project by `--project-path PATH NAME`, announces its progress by UDP as ODM does
(`PGUP/pid/project/percent`), and leaves small files under the names of ODM's products. Its argument vector goes to
`log.json` and the checksums of its inputs to `odm_report/inputs.json`, so that a test can compare both to the letter. The
environment turns it into other runs:

    FAKE_ODM_EXIT=N           ends with this code in the middle (137: as the kernel kills it)
    FAKE_ODM_SECONDS=S        how long it works
    FAKE_ODM_GATE=FIFO        waits in the middle until somebody opens this named pipe for writing
    FAKE_ODM_PROGRESS_PORT=N  where progress goes; ODM's own port by default
"""

import hashlib
import json
import os
import pathlib
import signal
import socket
import sys
import time

STAGES = ("dataset", "opensfm", "openmvs", "odm_filterpoints", "odm_meshing", "odm_georeferencing", "odm_dem", "odm_orthophoto")
IMAGES = (".jpg", ".jpeg", ".tif", ".tiff", ".png")
SIDE_FILES = ("gcp_list.txt", "geo.txt", "image_groups.txt", "align.las", "align.laz", "align.tif")
TIFF = b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"


def project_of(arguments):
    """The project's folder. ODM takes the name as its one positional argument, which stands last."""
    for index, word in enumerate(arguments):
        if word == "--project-path":
            return pathlib.Path(arguments[index + 1]) / arguments[-1]
        if word.startswith("--project-path="):
            return pathlib.Path(word.partition("=")[2]) / arguments[-1]
    sys.exit("run.py: error: the following arguments are required: --project-path")


def announce(name, percent):
    port = int(os.environ.get("FAKE_ODM_PROGRESS_PORT", "6367"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(f"PGUP/{os.getpid()}/{name}/{percent}".encode(), ("127.0.0.1", port))


def wait_at_gate():
    gate = os.environ.get("FAKE_ODM_GATE")
    if gate:
        # To open a named pipe for reading takes somebody who writes.
        with open(gate, "rb"):
            pass


def leave_early():
    code = int(os.environ.get("FAKE_ODM_EXIT", "0"))
    if code > 128:
        os.kill(os.getpid(), code - 128)
        signal.pause()
    if code:
        print("[ERROR]   The program could not process this dataset using the current settings.", flush=True)
        sys.exit(code)


def write(project, name, body):
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_bytes(body)


def checksums(project, images):
    found = [*images, *(project / name for name in SIDE_FILES)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found if path.is_file()}


def write_products(project, images, arguments):
    mark = f" of {project.name} from {len(images)} images\n".encode()
    for name in ("odm_orthophoto/odm_orthophoto.tif", "odm_dem/dsm.tif", "odm_dem/dtm.tif"):
        write(project, name, TIFF + name.encode() + mark)
    write(project, "odm_georeferencing/odm_georeferenced_model.laz", b"LASF" + mark)
    write(project, "odm_texturing/odm_textured_model_geo.obj", b"# textured model" + mark)
    write(project, "odm_report/report.pdf", b"%PDF-1.4\n" + mark)
    write(project, "odm_report/inputs.json", json.dumps(checksums(project, images)).encode())
    write(project, "cameras.json", b"{}")
    write(project, "images.json", json.dumps([{"filename": image.name} for image in images]).encode())
    write(project, "log.json", json.dumps({"arguments": arguments, "success": True}).encode())


def main(arguments):
    project = project_of(arguments)
    images = sorted(path for path in (project / "images").glob("*") if path.suffix.lower() in IMAGES)
    print("[INFO]    Initializing ODM 3.6.0", flush=True)
    print(f"[INFO]    Found {len(images)} usable images", flush=True)
    if not images:
        print(f"[ERROR]   There are no images in {project / 'images'}", flush=True)
        sys.exit(1)
    for number, stage in enumerate(STAGES, 1):
        print(f"[INFO]    Running {stage} stage", flush=True)
        announce(project.name, 100 * number / len(STAGES))
        time.sleep(float(os.environ.get("FAKE_ODM_SECONDS", "0.2")) / len(STAGES))
        if number == len(STAGES) // 2:
            wait_at_gate()
            leave_early()
    write_products(project, images, arguments)
    print("[INFO]    ODM app finished", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

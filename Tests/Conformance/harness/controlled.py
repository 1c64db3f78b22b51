"""A simulator in Python with a control face at `/_sim`."""

import sys

import requests

from .ports import free_port
from .programs import ROOT, Living, Program, flags_of


class Controlled(Living):
    """Starts `python -m MODULE`; keyword arguments become flags: `run_seconds=4` is `--run-seconds 4`."""

    module = ""
    folder_name = ""

    def __init__(self, name, **flags):
        self.name = name
        self.flags = flags
        self.port = free_port()
        self.program = None
        self.start()

    def start(self):
        """Starts it; after a kill on the same port, and with what it knew only where it has a folder for its `state`."""
        command = [sys.executable, "-m", self.module, "--port", self.port]
        self.program = Program(self.name, command + flags_of(self.flags), cwd=ROOT / "Tests" / self.folder_name,
                               environment={"PYTHONUNBUFFERED": "1"})
        self.control_url = self.program.wait_for_line(r"control on (\S+)").group(1)
        self.url = self.program.wait_for_line(r"listening on (\S+)").group(1)
        self.port = int(self.url.rsplit(":", 1)[1])

    # The control face.

    def journal(self):
        return self._answer(requests.get(self.control_url + "/_sim/journal", timeout=10))

    def effects(self, kind):
        """How often something happened, by subject: `effects("created")` is {name: times}."""
        return self.journal()["effects"].get(kind, {})

    def requests(self, method, path_start):
        """Requests since the start, as the journal keeps them."""
        return [r for r in self.journal()["requests"] if r["method"] == method and r["path"].startswith(path_start)]

    def sim(self, action, /, **body):
        """POST /_sim/ACTION; what each simulator offers is in its README."""
        return self._answer(requests.post(f"{self.control_url}/_sim/{action}", json=body, timeout=10))

    def set(self, **knobs):
        self.sim("set", **knobs)

    def script(self, **rule):
        """The fate of what comes: see the simulators' READMEs."""
        self.sim("script", **rule)

    def fault(self, **rule):
        """Requests that go wrong: `fault(method="POST", path="/api/v1/workflows/*", count=1, drop="after")`."""
        self.sim("fault", **rule)

    def clear_faults(self):
        self._answer(requests.delete(self.control_url + "/_sim/fault", timeout=10))

    def partition(self, mode="refuse"):
        """Cuts the network ("refuse", "hang") while what runs goes on; "" heals it."""
        self.sim("partition", mode=mode)

    @staticmethod
    def _answer(response):
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

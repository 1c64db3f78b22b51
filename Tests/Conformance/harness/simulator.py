"""NodeODMSimulator: a program that behaves like a NodeODM node, and tells what was done to it."""

import pathlib
import urllib.parse

import requests

from .api import API
from .ports import free_port
from .programs import Living, Program, binary, flags_of


class Simulator(Living):
    """One simulated node. Keyword arguments become flags: `task_seconds=4` is `--task-seconds 4`."""

    profile = "nodeodm"

    def __init__(self, folder, name="node", **flags):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.token = flags.get("token")
        self.flags = flags
        self.port = free_port()
        self.program = None
        self.start()

    def start(self):
        """Starts the node; after a kill on the same port and folder, as a service would."""
        command = [binary("NodeODMSimulator", "SCALEODM_SIMULATOR"), "--port", self.port, "--control", 0,
                   "--data", self.folder, "--name", self.name]
        self.program = Program(self.name, command + flags_of(self.flags))
        self.port = int(self.program.wait_for_line(r"listening on http://[^ ]*:(\d+)").group(1))
        control = int(self.program.wait_for_line(r"control on http://[^ ]*:(\d+)").group(1))
        self.control_url = f"http://127.0.0.1:{control}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = API(self.url, self.token)

    @property
    def data_folder(self):
        return self.folder

    # The control endpoint.

    def journal(self):
        return requests.get(self.control_url + "/control/journal", timeout=10).json()

    def starts(self, uuid=None):
        """How often processing was started: of one task, or of each by uuid. It counts over restarts of the node."""
        starts = self.journal()["starts"]
        return starts if uuid is None else starts.get(uuid, 0)

    def requests(self, endpoint):
        """Requests of an endpoint (info, options, init, upload, commit, taskInfo, download…) since the node's start."""
        return self.journal()["requests"].get(endpoint, 0)

    def files(self, uuid):
        """What was received for a task: (name, sha256) pairs, sorted."""
        return sorted((file["name"], file["sha256"]) for file in self.journal()["files"].get(uuid, []))

    def set(self, **knobs):
        """Turns knobs while the node runs: `set(taskSeconds=5, drop={"commit": 1})`."""
        answer = requests.post(self.control_url + "/control", json=knobs, timeout=10)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"

    def save_list(self):
        """Saves its task list, as NodeODM does once an hour."""
        answer = requests.post(self.control_url + "/control/dump", timeout=10)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"

    def backend(self, **more):
        """This node as an entry of an inventory."""
        entry = {"name": self.name, "kind": "nodeodm", "url": self.url, **more}
        if self.token:
            entry["token"] = self.token
        return entry


def host_and_port(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port

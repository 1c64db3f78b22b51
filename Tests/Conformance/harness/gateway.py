"""The gateway as a user starts it: an inventory in YAML and `scaleodm serve -c FILE`."""

import copy
import json
import pathlib
import re
import subprocess

import requests

from .api import API
from .ports import free_port
from .programs import INHERITED, Living, Program, binary

#: Short intervals, so that a suite of hundreds of tests ends; a test that needs others says so.
DEFAULTS = {
    "listen": "127.0.0.1:0",
    "admin": {"listen": "127.0.0.1:0"},
    "database": "sqlite:data/scaleodm.db",
    "storage": {"directory": "data/storage", "min_free": "1MiB"},
    "scheduling": {"refresh": "200ms", "spill_after": "100ms"},
    "mirror": {"refresh": "100ms"},
    "log": {"format": "text", "level": "info"},
    "drain": {"delay": "0s"},
}


def yaml(value, indent=0):
    """Nested dictionaries, lists and scalars as block YAML."""
    pad = "  " * indent
    if isinstance(value, dict):
        if not value:
            return pad + "{}\n"
        return "".join(_entry(pad + f"{key}:", item, indent) for key, item in value.items())
    if isinstance(value, list):
        text = ""
        for item in value:
            if isinstance(item, dict) and item:
                lines = yaml(item, indent + 1)
                text += pad + "- " + lines[len(pad) + 2:]
            else:
                text += pad + "- " + _scalar(item) + "\n"
        return text
    return pad + _scalar(value) + "\n"


def _entry(head, item, indent):
    if isinstance(item, (dict, list)) and item:
        return head + "\n" + yaml(item, indent + 1)
    return head + " " + _scalar(item) + "\n"


def _scalar(value):
    if value is None or isinstance(value, (bool, int, float, dict, list)):
        return json.dumps(value)
    return value if re.fullmatch(r"[A-Za-z0-9/.][A-Za-z0-9/._:@?=&-]*(?<!:)", value) else json.dumps(value)


def merged(base, over):
    """`over` laid on `base`, dictionaries key by key."""
    result = dict(base)
    for key, value in over.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
    return result


def command(*words, timeout=60, environment=None, cwd=None, line=None):
    """Runs the command line tool to its end, by another command line where one is given; returns code, stdout and stderr."""
    return subprocess.run(
        [str(w) for w in line or [binary("scaleodm", "SCALEODM_GATEWAY"), *words]],
        capture_output=True, text=True, timeout=timeout, cwd=cwd, stdin=subprocess.DEVNULL,
        env={**INHERITED, **(environment or {})})


class Gateway(Living):
    """A running gateway with its inventory, database and storage in `folder`."""

    profile = "gateway"

    def __init__(self, folder, backends, settings=None, token=None, start=True, environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir(exist_ok=True)
        self.inventory = self.folder / "gateway.yaml"
        # A copy of all of it: the ports that are noted below are this gateway's alone.
        self.settings = copy.deepcopy(merged(DEFAULTS, settings or {}))
        for listener in (self.settings, self.settings["admin"]):
            if listener["listen"] == "127.0.0.1:0":
                listener["listen"] = f"127.0.0.1:{free_port()}"
        self.settings["backends"] = [b if isinstance(b, dict) else b.backend() for b in backends]
        self.token = token
        self.environment = environment or {}
        self.program = None
        self.api = None
        if start:
            self.start()

    def start(self, wait=True):
        """Starts it, on the same port as before if it ran already."""
        self.inventory.write_text(yaml(self.settings), encoding="utf-8")
        self.program = Program("gateway", [binary("scaleodm", "SCALEODM_GATEWAY"), "serve", "-c", self.inventory],
                               cwd=self.folder, environment=self.environment)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, seconds=30.0):
        admin = self.program.wait_for_line(r"admin on http://([^ /\"]*:\d+)", seconds).group(1)
        public = self.program.wait_for_line(r"listening on http://([^ /\"]*:\d+)", seconds).group(1)
        self.settings["listen"] = public
        self.settings["admin"]["listen"] = admin
        self.url = f"http://{public}"
        self.admin_url = f"http://{admin}"
        self.api = API(self.url, self.token)

    def configure(self, **settings):
        """Changes the inventory; used by the next start (or a reload)."""
        self.settings = merged(self.settings, settings)
        self.inventory.write_text(yaml(self.settings), encoding="utf-8")

    def restart_after_kill(self, **settings):
        self.program.kill()
        self.configure(**settings)
        self.start()

    @property
    def data_folder(self):
        return self.folder / "data"

    @property
    def storage_folder(self):
        return self.folder / "data" / "storage"

    # The admin listener.

    def backends(self):
        return requests.get(self.admin_url + "/api/backends", timeout=10).json()

    def tasks(self):
        return requests.get(self.admin_url + "/api/tasks", timeout=10).json()

    def change(self, method, path, body=None, headers=None):
        """A change by the admin API, with the header that each of them needs."""
        return requests.request(method, self.admin_url + path, json=body, timeout=30,
                                headers={"X-ScaleODM-Admin": "1", **(headers or {})})

    def cli(self, *words, **settings):
        """The command line tool, pointed at this gateway."""
        environment = {"SCALEODM_GATEWAY": self.url, "SCALEODM_ADMIN": self.admin_url, **settings.pop("environment", {})}
        if self.token:
            environment.setdefault("SCALEODM_TOKEN", self.token)
        return command(*words, environment=environment, **settings)

"""A gateway of the script's own over one backend of somebody's inventory, and his bucket below a prefix of the run's own."""

import os
import pathlib
import re
import shutil

import requests
import yaml

from harness.api import FINAL
from harness.gateway import Gateway
from harness.images import jpeg
from harness.s3 import Place, Storage
from harness.waiting import NotYet, eventually

#: Keys whose values are files beside the inventory.
FILE_KEYS = re.compile(r"(.*_file|client_certificate|client_key)")
IMAGES = (".jpg", ".jpeg", ".tif", ".tiff")


class InventoryError(Exception):
    """The inventory can't be used here."""


def read_inventory(path):
    """The inventory with absolute paths; variables stay as they are written."""
    try:
        inventory = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InventoryError(f"{path}: {error}") from None
    if not isinstance(inventory, dict) or not isinstance(inventory.get("backends"), list):
        raise InventoryError(f"{path} is no inventory: it has no list of backends")
    if not (inventory.get("storage") or {}).get("s3"):
        raise InventoryError(f"{path} has no storage.s3, which kind argo works on")
    return _absolute(inventory, path.resolve().parent)


def _absolute(value, folder, key=""):
    if isinstance(value, dict):
        return {name: _absolute(item, folder, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_absolute(item, folder, key) for item in value]
    if isinstance(value, str) and FILE_KEYS.fullmatch(key) and not value.startswith("$"):
        return str(folder / value)
    return value


def argo_backends(inventory, names):
    """The backends of kind argo, or those of these names."""
    found = [backend for backend in inventory["backends"] if backend.get("kind") == "argo"]
    if names:
        found = [backend for backend in found if backend["name"] in names]
    if not found:
        raise InventoryError(f"there is no backend of kind argo{' of these names' if names else ''} in the inventory")
    return found


def expanded(text):
    """`${NAME}` and `${NAME:-default}` as the gateway replaces them."""
    if text is None:
        return None

    def value(match):
        name, has_default, default = match[1], match[2], match[3]
        if name not in os.environ and has_default is None:
            raise InventoryError(f"the environment has no {name}, which the inventory names")
        return os.environ.get(name, default)

    return re.sub(r"\$\{(\w+)(:-([^}]*))?\}", value, str(text))


def secret(settings, key, variable):
    """A key of storage.s3, from the file itself, from its `_file` twin, or from the environment."""
    if settings.get(key + "_file"):
        return pathlib.Path(expanded(settings[key + "_file"])).read_text(encoding="utf-8").strip()
    return expanded(settings.get(key)) or os.environ.get(variable)


class Setting:
    """What the checks work with. They run in order, and later ones use what earlier ones made."""

    def __init__(self, folder, inventory, backend, prefix, options):
        self.folder = folder
        self.keeps = options.keep
        self.seconds = options.minutes * 60
        self.backend = backend
        s3 = inventory["storage"]["s3"]
        self.place = Place(expanded(s3["bucket"]), prefix)
        #: Where a client's images are: not in the gateway's own place.
        self.client_place = Place(self.place.bucket, prefix + "client/")
        self.storage = Storage(
            expanded(s3.get("endpoint")), secret(s3, "access_key_id", "AWS_ACCESS_KEY_ID"),
            secret(s3, "secret_access_key", "AWS_SECRET_ACCESS_KEY"), expanded(s3.get("region") or "us-east-1"),
            secret(s3, "session_token", "AWS_SESSION_TOKEN"), s3.get("ca_file"))
        self.files = images_of(options.images)
        self.gateway = Gateway(folder / "gateway", [backend], start=False, settings={
            "storage": {"s3": {**s3, "prefix": prefix + "gateway/"}},
            "scheduling": {"refresh": "2s", "attempts": 1}, "mirror": {"refresh": "1s"}})
        #: Uuid of a completed task of uploaded images, and of one whose images are in the bucket.
        self.uploaded = self.named = None

    @property
    def api(self):
        return self.gateway.api

    @property
    def images(self):
        return [(name, body) for name, body in self.files if name.lower().endswith(IMAGES)]

    def running(self):
        """The gateway, started when first asked for."""
        if self.gateway.program is None or not self.gateway.program.running:
            self.gateway.start()
            eventually("the cluster is online", lambda: self.gateway.backends()[0]["online"], 60)
        return self.gateway

    def wait(self, uuid, *codes):
        return self.running().api.wait(uuid, *codes, seconds=self.seconds)

    def objects(self, place=None):
        """Names and sizes below a place, by default everything of this run."""
        return dict(self.storage.list(place or self.place))

    def attempts(self, uuid):
        shown = requests.get(f"{self.gateway.admin_url}/api/tasks/{uuid}", timeout=30).json()
        return shown.get("attempts", [])

    def close(self):
        """Removes workflows and objects, and stops the gateway."""
        if self.keeps:
            self._stop()
            print(f"  kept: {self.place.url} and {self.folder}", flush=True)
            return
        try:
            if self.gateway.api is not None:
                self._remove_tasks()
        finally:
            self._stop()
            self.storage.delete(self.place)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_tasks(self):
        uuids = self.running().api.tasks()
        for uuid in uuids:
            if self.api.code(uuid) not in FINAL:
                self.api.act("cancel", uuid)
            self.api.act("remove", uuid)
        try:
            eventually("workflows and objects are removed", lambda: not self._leftovers(), 120)
        except NotYet as error:
            print(f"  left behind: {error}", flush=True)

    def _leftovers(self):
        """Objects of tasks, in the gateway's own place: they are the last that goes of a removed task."""
        names = self.objects(Place(self.place.bucket, self.place.prefix + "gateway/"))
        return [name for name in names if not name.startswith(".")]

    def _stop(self):
        self.gateway.stop()


def images_of(folder):
    """(name, bytes) of what a task gets; generated pictures where no folder is named."""
    if folder is None:
        return [(f"IMG_{number:04d}.JPG", jpeg(number)) for number in range(1, 6)]
    wanted = sorted(path for path in folder.iterdir()
                    if path.suffix.lower() in IMAGES or path.name.lower() in ("gcp_list.txt", "geo.txt"))
    if not any(path.suffix.lower() in IMAGES for path in wanted):
        raise InventoryError(f"{folder} holds no JPEG or TIFF images")
    return [(path.name, path.read_bytes()) for path in wanted]

"""Stand-ins for S3: moto's server for the breadth of the API, rclone's for signatures and for gigabytes."""

import functools
import pathlib
import socket
import sys

from .ports import free_port
from .programs import ROOT, Living, Program
from .waiting import eventually

# The kit of the simulators; it isn't installed.
sys.path.append(str(ROOT / "Tests" / "SimulatorKit"))

from simulator_kit.bucket import Place, Storage  # noqa: E402


class S3Server(Living):
    """One server with the buckets that it was given. `kind` is "rclone" or "moto".

    rclone checks every signature and keeps objects as files below `folder`; moto checks none and keeps them in memory.
    """

    def __init__(self, folder, kind="rclone", buckets=("data",)):
        self.kind = kind
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.access_key, self.secret_key = "key-id", "key-secret"
        self.port = free_port()
        self.buckets = list(buckets)
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts it on its port; rclone's objects are still there, moto's are gone."""
        tools = pathlib.Path(sys.executable).parent
        if self.kind == "rclone":
            for bucket in self.buckets:
                (self.folder / bucket).mkdir(exist_ok=True)
            command = [tools / "rclone", "serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--config", "",
                       "--auth-key", f"{self.access_key},{self.secret_key}", "--vfs-cache-mode", "off", self.folder]
        else:
            command = [tools / "moto_server", "-H", "127.0.0.1", "-p", self.port]
        self.program = Program(self.kind, command, cwd=self.folder)
        said = self.program.wait_for_line(r"(?:Starting s3 server on \[|Running on )http://127\.0\.0\.1:(\d+)")
        self.port = int(said.group(1))
        eventually(f"{self.kind} answers", self._listens)
        if self.kind == "moto":
            for bucket in self.buckets:
                self.client.create_bucket(Bucket=bucket)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @functools.cached_property
    def storage(self):
        """Objects by place and name: `put`, `get`, `list`, `exists`, `delete`, `presigned`."""
        return Storage(self.url, self.access_key, self.secret_key)

    @property
    def client(self):
        """boto3's client, for what the above doesn't offer."""
        return self.storage.client

    def put(self, url, files):
        """Puts (name, bytes) pairs below an s3:// URL."""
        for name, body in files:
            self.storage.put(Place.parse(url), name, body)

    def files(self, url):
        """What is below an s3:// URL: {name: bytes}."""
        place = Place.parse(url)
        return {name: self.storage.get(place, name) for name, _ in self.storage.list(place)}

    def secret(self):
        """The keys as a Secret of the workflows' namespace."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def settings(self, bucket="data", prefix="scaleodm/"):
        """`storage.s3` of an inventory."""
        return {"bucket": bucket, "prefix": prefix, "endpoint": self.url, "region": "us-east-1",
                "access_key_id": self.access_key, "secret_access_key": self.secret_key}

    def close(self):
        self.stop()

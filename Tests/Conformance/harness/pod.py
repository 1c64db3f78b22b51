"""A gateway as the only program of a pod: no inventory, ScaleODM's variables, and the pod's service account at its usual place."""

import os
import pathlib
import urllib.parse

from .api import API
from .gateway import command
from .programs import Living, Program, binary

#: The account's folder is laid over /run, for this program and its children alone.
_MOUNT = """
mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io && ln -s "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"
"""
#: What a developer's shell may have, and a pod hasn't.
_UNSET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_S3_ENDPOINT", "AWS_DEFAULT_REGION",
          "AWS_S3_SECRET_NAME", "SCALEODM_S3_BUCKET", "SCALEODM_DATABASE_URL", "SCALEODM_ODM_IMAGE", "K8S_NAMESPACE")


class Pod(Living):
    """`variables` are those of the Deployment; the cluster (with TLS) adds where its API is, as Kubernetes does."""

    def __init__(self, folder, cluster, variables, start=True):
        self.folder = pathlib.Path(folder)
        (self.folder / "account").mkdir(parents=True)
        (self.folder / "account" / "token").symlink_to(cluster.token_file)
        (self.folder / "account" / "ca.crt").symlink_to(cluster.ca_file)
        address = urllib.parse.urlsplit(cluster.url)
        self.environment = {
            **dict.fromkeys(_UNSET, ""), "KUBERNETES_SERVICE_HOST": address.hostname,
            "KUBERNETES_SERVICE_PORT": str(address.port), "SCALEODM_LISTEN": "127.0.0.1:0",
            "SCALEODM_ADMIN_LISTEN": "127.0.0.1:0", **variables}
        self.program = None
        if start:
            self.start()

    def words(self, *words):
        """The command line of `scaleodm WORDS` in this pod."""
        user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        return ["unshare", *user, "--mount", "--", "sh", "-c", _MOUNT, self.folder / "account",
                binary("scaleodm", "SCALEODM_GATEWAY"), *words]

    def start(self):
        self.program = Program("pod", self.words("serve"), cwd=self.folder, environment=self.environment)
        admin = self.program.wait_for_line(r"admin on http://([^ /\"]*:\d+)").group(1)
        public = self.program.wait_for_line(r"listening on http://([^ /\"]*:\d+)").group(1)
        self.environment |= {"SCALEODM_LISTEN": public, "SCALEODM_ADMIN_LISTEN": admin}
        self.url, self.admin_url = f"http://{public}", f"http://{admin}"
        self.api = API(self.url)

    def run(self, *words):
        """Runs another verb in the pod to its end."""
        return command(*words, environment=self.environment, cwd=self.folder, line=self.words(*words))

"""ArgoSimulator: a program that behaves like an Argo Workflows cluster, and tells what was done to it."""

import json
import pathlib
import subprocess

import requests

from .controlled import Controlled


class ArgoCluster(Controlled):
    """One simulated cluster.

    With `s3` its pods find the Secret `scaleodm-s3`, and leave results there: scripted ones small files, with
    `execute=True` what the containers' own scripts make of the images. With `keeps_state` it outlives a kill.
    """

    module = "argo_simulator"
    folder_name = "ArgoSimulator"
    namespace = "odm"

    def __init__(self, folder, name="argo", s3=None, token="cluster-token", secrets=None, tls=False,
                 keeps_state=False, **flags):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if keeps_state:
            flags["state"] = self.folder / "state"
        self.token = token
        #: What the gateway reads; write to it to rotate the token, for both sides at once.
        self.token_file = self.folder / "token"
        self.token_file.write_text(token + "\n", encoding="utf-8")
        if s3 is not None:
            secrets = {"scaleodm-s3": s3.secret(), **(secrets or {})}
            flags |= {"s3_endpoint": s3.url, "s3_access_key": s3.access_key, "s3_secret_key": s3.secret_key}
        if secrets is not None:
            flags["secrets"] = self.folder / "secrets.json"
            flags["secrets"].write_text(json.dumps(secrets), encoding="utf-8")
        self.ca_file = None
        if tls:
            self.ca_file, flags["tls_certificate"], flags["tls_key"] = self._certificate()
        super().__init__(name, token_file=self.token_file, **flags)

    def _certificate(self):
        """A certificate that signs itself, as the Argo Server makes for itself: its own authority, certificate and key."""
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=argo-server", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        return certificate, certificate, key

    # What happened.

    def runs(self, workflow=None):
        """How often a workflow was created: of one name, or of each. It counts over deletions."""
        created = self.effects("created")
        return created if workflow is None else created.get(workflow, 0)

    def pods(self, workflow):
        """How many pods were started for a workflow, its exit handler's included."""
        return self.effects("podStarted").get(workflow, 0)

    # A look from the side, without the gateway.

    def call(self, method, path, **settings):
        return requests.request(method, self.url + path, timeout=10, verify=str(self.ca_file) if self.ca_file else True,
                                headers={"Authorization": f"Bearer {self.token_file.read_text().strip()}"}, **settings)

    def workflow(self, name):
        """The live or archived object; None when there is none."""
        answer = self.call("GET", f"/api/v1/workflows/{self.namespace}/{name}")
        return None if answer.status_code == 404 else self._answer(answer)

    def workflows(self):
        """All live objects, as Kubernetes' API lists them."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{self.namespace}/workflows"
        return self._answer(self.call("GET", path))["items"]

    def vanish(self, workflow):
        """Somebody deletes it by hand."""
        self.sim("vanish", namespace=self.namespace, name=workflow)

    def backend(self, api="argo-server", **more):
        """This cluster as an entry of an inventory."""
        entry = {"name": self.name, "kind": "argo", "api": api, "url": self.url, "namespace": self.namespace,
                 "token_file": str(self.token_file), "max_parallel_tasks": 10}
        if self.ca_file:
            entry["ca_file"] = str(self.ca_file)
        return {**entry, **more}

"""`python -m argo_simulator`: a simulated Argo Workflows cluster as a program."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib

from simulator_kit import program
from simulator_kit.bucket import Storage
from simulator_kit.faults import FaultTable
from simulator_kit.messages import Reply, Request
from simulator_kit.server import Server

from . import validation
from .argo_api import ArgoAPI
from .cluster import Access, Cluster
from .control import control_of
from .controller import Knobs
from .kubernetes_api import KubernetesAPI
from .quantities import quantity


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="argo_simulator", description=__doc__)
    program.add_common_flags(parser)
    parser.add_argument("--token", action="append", default=[], help="a good token; without one any is good")
    parser.add_argument("--token-file", type=pathlib.Path, help="file with the good token, read at each request")
    parser.add_argument("--namespace", action="append", help="a namespace that exists; odm without one")
    parser.add_argument("--base-href", default="", help="path below which the APIs are, as behind a proxy")
    parser.add_argument("--instance-id", default="", help="the controller's instance id, a label on new workflows")
    parser.add_argument("--accept-seconds", type=float, default=0.05, help="until the controller sees a workflow")
    parser.add_argument("--pending-seconds", type=float, default=0.05, help="from Pending to Running")
    parser.add_argument("--pod-seconds", type=float, default=0.05, help="from a pod's creation to its first container")
    parser.add_argument("--run-seconds", type=float, default=1.0, help="how long a scripted pod runs")
    parser.add_argument("--progress-seconds", type=float, default=0.1, help="how often progress is published")
    parser.add_argument("--time-scale", type=float, default=1.0, help="factor on the manifest's own times")
    parser.add_argument("--parallelism", type=int, default=10, help="workflows that run at the same time")
    parser.add_argument("--node-memory", type=quantity, default=float("inf"), help="memory of the largest node, as 64Gi")
    parser.add_argument("--list-lag", type=float, default=0.0, help="seconds by which the Argo Server's list lags behind")
    parser.add_argument("--archive", action="store_true", help="keep finished workflows in the archive")
    parser.add_argument("--execute", action="store_true", help="run the containers as local processes")
    parser.add_argument("--secrets", type=pathlib.Path, help="JSON: the namespace's Secrets, {name: {key: value}}")
    parser.add_argument("--s3-endpoint", help="where scripted pods leave markers and results of the gateway's tasks")
    parser.add_argument("--s3-access-key", default="test")
    parser.add_argument("--s3-secret-key", default="test-secret")
    return parser.parse_args(words)


def make_cluster(options: argparse.Namespace) -> Cluster:
    """A cluster as the flags describe it."""
    knobs = Knobs()
    for field in dataclasses.fields(Knobs):
        flag = "".join("_" + c.lower() if c.isupper() else c for c in field.name)
        setattr(knobs, field.name, getattr(options, flag))
    secrets = json.loads(options.secrets.read_text(encoding="utf-8")) if options.secrets else None
    storage = None
    if options.s3_endpoint:
        storage = Storage(options.s3_endpoint, options.s3_access_key, options.s3_secret_key)
    cluster = Cluster(knobs, Access(set(options.token), options.token_file), options.instance_id, secrets, storage,
                      *program.state_of(options))
    cluster.namespaces = set(options.namespace or ["odm"])
    cluster.store.list_lag = options.list_lag
    return cluster


class Faces:
    """Both APIs behind one port: their paths don't meet. Outside of the base path a proxy knows nothing."""

    def __init__(self, cluster: Cluster, base: str = "") -> None:
        self.argo = ArgoAPI(cluster)
        self.kubernetes = KubernetesAPI(cluster)
        self.base = base.rstrip("/")

    def __call__(self, request: Request) -> Reply:
        if not request.raw_path.startswith(self.base + "/"):
            return Reply.of_text("<html><h1>404 Not Found</h1></html>", 404, "text/html")
        request.raw_path = request.raw_path.removeprefix(self.base)
        if request.raw_path == "/version" or request.raw_path.startswith(("/apis/", "/api/v1/namespaces/")):
            return self.kubernetes(request)
        return self.argo(request)


def make_servers(options: argparse.Namespace, cluster: Cluster) -> tuple[Server, Server]:
    """The server of both faces and that of the control face, not yet started."""
    faults = FaultTable()
    service = Server(Faces(cluster, options.base_href), options.port, faults=faults, journal=cluster.journal, clock=cluster.clock,
                     tls=program.tls_context(options))
    return service, Server(control_of(cluster, service, faults), options.control)


def main() -> None:
    options = arguments()
    cluster = make_cluster(options)
    validation.warm_up()
    cluster.controller.start()
    cluster.controller.resume()
    program.run(*make_servers(options, cluster))
    cluster.controller.stop()


if __name__ == "__main__":
    main()

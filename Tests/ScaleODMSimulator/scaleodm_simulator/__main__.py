"""`python -m scaleodm_simulator`: a simulated ScaleODM instance as a program."""

from __future__ import annotations

import argparse
from typing import Any

from simulator_kit import program
from simulator_kit.bucket import Storage
from simulator_kit.control import Control
from simulator_kit.faults import FaultTable
from simulator_kit.server import Server

from .api import ScaleODMAPI
from .instance import Instance, Knobs
from .submission import Rules


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scaleodm_simulator", description=__doc__)
    program.add_common_flags(parser)
    parser.add_argument("--s3-endpoint", required=True, help="the S3 store that it reads and writes")
    parser.add_argument("--s3-access-key", default="test")
    parser.add_argument("--s3-secret-key", default="test-secret")
    parser.add_argument("--queue-seconds", type=float, default=0.05, help="how long a task is pending at least")
    parser.add_argument("--run-seconds", type=float, default=1.0, help="how long a task runs")
    parser.add_argument("--parallelism", type=int, default=10, help="tasks that run at the same time")
    parser.add_argument("--ui", action="store_true", help="serve /ui/api")
    return parser.parse_args(words)


def make_instance(options: argparse.Namespace) -> Instance:
    storage = Storage(options.s3_endpoint, options.s3_access_key, options.s3_secret_key)
    journal, keeping = program.state_of(options)
    return Instance(storage, Knobs(options.queue_seconds, options.run_seconds, options.parallelism), journal, keeping)


def make_servers(options: argparse.Namespace, instance: Instance) -> tuple[Server, Server]:
    """The server of the API and that of the control face, not yet started."""
    faults = FaultTable()
    api = ScaleODMAPI(instance, Rules(options.s3_endpoint), options.ui)
    service = Server(api, options.port, faults=faults, journal=instance.journal, clock=instance.clock,
                     tls=program.tls_context(options))
    control = Control(service, faults, instance.journal)
    control.on("set", lambda body: _set(instance.knobs, body))
    control.on("script", instance.add_fate)
    control.on("release", lambda _: instance.release())
    control.on("vanish", lambda body: instance.vanish(body["uuid"]))
    return service, Server(control, options.control)


def _set(knobs: Knobs, body: dict[str, Any]) -> None:
    """Turns knobs; an unknown name is an error."""
    for name, value in body.items():
        if not hasattr(knobs, name):
            raise ValueError(f"no knob {name!r}")
        setattr(knobs, name, value)


def main() -> None:
    options = arguments()
    instance = make_instance(options)
    instance.timers.start()
    instance.resume()
    program.run(*make_servers(options, instance))
    instance.timers.stop()


if __name__ == "__main__":
    main()

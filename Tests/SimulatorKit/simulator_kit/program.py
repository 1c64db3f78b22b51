"""A simulator as a program: common flags, the line that says it is ready, and an orderly end on SIGTERM."""

from __future__ import annotations

import argparse
import pathlib
import signal
import ssl
import threading

from .journal import Journal
from .keeping import Keeping
from .server import Server


def add_common_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="port of the simulated service on 127.0.0.1; 0: any")
    parser.add_argument("--control", type=int, default=0, help="port of /_sim; 0: any")
    parser.add_argument("--tls-certificate", help="PEM file: serve TLS with this certificate")
    parser.add_argument("--tls-key", help="PEM file of the certificate's key")
    parser.add_argument("--tls-client-ca", help="PEM file: demand client certificates that it has signed")
    parser.add_argument("--state", type=pathlib.Path, help="folder with what it knows and its journal, which outlive a kill")


def state_of(options: argparse.Namespace) -> tuple[Journal, Keeping | None]:
    """The journal and, with `--state`, what is kept: as an earlier life of the program left both."""
    if options.state is None:
        return Journal(), None
    options.state.mkdir(parents=True, exist_ok=True)
    return Journal(options.state / "journal.jsonl"), Keeping(options.state / "state.db")


def tls_context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """A server's context as the common flags describe it, or None where no certificate is given."""
    if not options.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_certificate, options.tls_key)
    if options.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options.tls_client_ca)
    return context


def run(service: Server, control: Server) -> None:
    """Serves both until SIGTERM or SIGINT."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    control.start()
    service.start()
    print(f"control on {control.url}", flush=True)
    print(f"listening on {service.url}", flush=True)
    ended.wait()
    service.stop()
    control.stop()

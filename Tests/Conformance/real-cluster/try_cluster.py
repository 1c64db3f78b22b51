"""Tries the gateway on a real cluster and bucket; see README.md beside it."""

import argparse
import contextlib
import datetime
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from checks import CHECKS, Skipped  # noqa: E402
from setting import InventoryError, Setting, argo_backends, read_inventory  # noqa: E402


def say(text):
    print(text, flush=True)


def tried(setting, wanted):
    """Runs the checks in their order; how many failed."""
    failures = 0
    for name, check in CHECKS.items():
        if wanted and not any(words in name for words in wanted):
            continue
        try:
            check(setting)
            say(f"  pass  {name}")
        except Skipped as reason:
            say(f"  skip  {name}: {reason}")
        except Exception as error:  # Whatever it is: it is told, and the other checks go on.
            failures += 1
            say(f"  FAIL  {name}: {type(error).__name__}: {error}")
    return failures


def arguments():
    parser = argparse.ArgumentParser(prog="try_cluster", description="Tries the gateway on your own cluster and bucket.")
    parser.add_argument("-c", dest="inventory", required=True, type=pathlib.Path, help="the inventory")
    parser.add_argument("--images", type=pathlib.Path, help="a folder with a small real flight")
    parser.add_argument("--backend", action="append", default=[], help="only this backend")
    parser.add_argument("--only", action="append", default=[], help="only checks whose name has these words")
    parser.add_argument("--minutes", type=float, default=120, help="how long one run of the engine may take")
    parser.add_argument("--keep", action="store_true", help="leave everything where it is")
    return parser.parse_args()


def interrupted(*_):
    raise KeyboardInterrupt


def try_one(backend, inventory, options, run):
    """All checks on one backend; how many failed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scaleodm-real-cluster-"))
    with contextlib.ExitStack() as cleaning:
        setting = Setting(folder, inventory, backend, f"scaleodm-conformance/{run}/{backend['name']}/", options)
        cleaning.callback(setting.close)
        say(f"{backend['name']}: namespace {backend.get('namespace', 'odm')}, below {setting.place.url}")
        try:
            return tried(setting, options.only)
        finally:
            # A further Ctrl-C waits for the clean-up.
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    run = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    try:
        inventory = read_inventory(options.inventory)
        failures = 0
        for backend in argo_backends(inventory, options.backend):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            failures += try_one(backend, inventory, options, run)
    except InventoryError as error:
        print(f"try_cluster: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("Stopped; what was made has been removed.")
        return 1
    say("All passed." if failures == 0 else f"{failures} failed.")
    return 0 if failures == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m chaos`: lives through one seed's schedule and tells what came out; the exit code is 0 where nothing was wrong."""

import argparse
import pathlib
import random
import sys

_TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "Conformance")]

from harness import programs  # noqa: E402

from .run import live  # noqa: E402
from .schedule import Schedule  # noqa: E402


def main():
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1, 100_000), help="the schedule's; without one any")
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1800, help="tasks that aren't done by then count as lost")
    parser.add_argument("--short", action="store_true", help="each kind of fault about once, and briefly")
    parser.add_argument("--show", action="store_true", help="tell the schedule, and start nothing")
    parser.add_argument("--folder", type=pathlib.Path, default=_TESTS.parent / ".build" / "chaos", help="for data and logs")
    options = parser.parse_args()
    if options.show:
        print(*Schedule.of(options.seed, options.tasks, options.replicas, options.short).faults, sep="\n")
        return 0
    folder = options.folder / str(options.seed)
    verdict, setting = live(folder, options.seed, options.tasks, options.replicas, options.short, options.seconds,
                            lambda text: print(text, flush=True))
    print(verdict.text())
    if verdict.findings:
        write_logs(options.folder / f"{options.seed}-logs")
    setting.close()
    print(f"again: make chaos SEED={options.seed} TASKS={options.tasks}")
    return 1 if verdict.findings else 0


def write_logs(folder):
    """All that every program said."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, program in enumerate(programs.started):
        (folder / f"{number:03}-{program.name}.log").write_text("\n".join(program.lines), encoding="utf-8")
    print(f"logs are in {folder}")


if __name__ == "__main__":
    sys.exit(main())

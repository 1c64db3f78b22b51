"""The command line of the comparison; see Benchmarks/run.sh."""

import argparse
import os
import shutil
import sys
import tempfile

from . import report
from .cases import CASES, ROUNDS, Bench
from .processes import CORES


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/run.sh", description="Measures the gateway beside nginx.")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a threshold is missed")
    parser.add_argument("--only", action="append", choices=CASES, metavar="CASE", help="run this case; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the cases")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CASES))
        return 0
    if len(CORES) < 2:
        print("bench: two processors are needed, one for the proxy and one for client and upstream", file=sys.stderr)
        return 1
    folder = tempfile.mkdtemp(prefix="scaleodm-bench-", dir=os.environ.get("BENCH_FOLDER", "/tmp"))
    # nginx's worker opens its files by itself.
    os.chmod(folder, 0o755)
    bench = Bench(folder)
    missed = []
    try:
        print(f"medians of {ROUNDS} runs a side in turn; load on this machine: {os.getloadavg()[0]:.1f}")
        bench.start()
        for name in arguments.only or CASES:
            result = CASES[name](bench).run()
            if not report.show(result, report.thresholds()[name]):
                missed.append(name)
            sys.stdout.flush()
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{'missed: ' + ', '.join(missed) if missed else 'all thresholds hold'}")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())

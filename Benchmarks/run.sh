#!/bin/bash
# `make bench`: the gateway beside nginx, each as one thread on the first core, client and upstream on the second.
#
#   Benchmarks/run.sh [--strict] [--only CASE]… [--list]
#
# Environment: BENCH_ROUNDS (5) runs of each side, BENCH_SECONDS (3) a run of small requests, BENCH_MIB (1024) a large
# body, BENCH_FOLDER (/tmp) where fixtures and uploads go, SCALEODM_BINARY (.build/release/scaleodm).
# Exit code 0 unless something broke; with --strict 1 when a threshold is missed.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin" SCALEODM_BINARY="${SCALEODM_BINARY:-$PWD/.build/release/scaleodm}"
for program in nginx wrk python3 taskset "$SCALEODM_BINARY"; do
    command -v "$program" >/dev/null || { echo "bench: $program is missing; run \`make bench\`" >&2; exit 1; }
done
PYTHONPATH=Benchmarks PYTHONDONTWRITEBYTECODE=1 exec python3 -m harness "$@"

#!/bin/bash
# Sends one file of 4 GiB through the gateway in each direction and shows what memory that took.
#
#   Benchmarks/large-files.sh
#
# The upload goes into storage and from there to a node; the asset comes from a node. Sums are compared at both ends.
# Environment: BENCH_MIB (4096), BENCH_FOLDER (/tmp; takes twice the file's size), SCALEODM_BINARY.
# Exit code 0 when both came through whole within the limit of Thresholds/large-files.json, else 1.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin" SCALEODM_BINARY="${SCALEODM_BINARY:-$PWD/.build/release/scaleodm}"
for program in nginx curl python3 taskset "$SCALEODM_BINARY"; do
    command -v "$program" >/dev/null || { echo "large-files: $program is missing; run \`make bench\`" >&2; exit 1; }
done
PYTHONPATH=Benchmarks PYTHONDONTWRITEBYTECODE=1 exec python3 -m harness.large_files

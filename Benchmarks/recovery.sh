#!/bin/bash
# A start on a record of 100,000 tasks, of which few, half or nearly all wait, in SQLite and in PostgreSQL: the time until the
# gateway is ready and its memory. It fails above 2 s or 200 MiB.
#
#   Benchmarks/recovery.sh [FOLDER OF THE PROGRAMS] [ARGUMENTS OF PYTEST]    default: .build/release (after `make build`)
#
# Environment: RECOVERY_TASKS (100000), RECOVERY_SECONDS (2) that a start may take.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALEODM_BINARIES=$(realpath "${1:-.build/release}") SCALEODM_HEAVY_TESTS=1 \
    "${SCALEODM_PYTHON:-.build/venv/bin/python}" -m pytest Tests/Conformance/test_recovery.py -q --no-header "${@:2}"

#!/bin/bash
# A start on a record of 100,000 tasks, some hundred of them unfinished, in SQLite and in PostgreSQL: the time until the gateway is
# ready and its memory. It fails above 2 s or 200 MiB.
#
#   Benchmarks/recovery.sh [FOLDER OF THE PROGRAMS]    default: .build/release (after `make build`)
#
# Environment: RECOVERY_TASKS (100000), RECOVERY_QUEUED (300) of them waiting.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALEODM_BINARIES=$(realpath "${1:-.build/release}") SCALEODM_HEAVY_TESTS=1 \
    "${SCALEODM_PYTHON:-.build/venv/bin/python}" -m pytest Tests/Conformance/test_recovery.py -q --no-header

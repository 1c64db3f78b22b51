#!/bin/bash
# 200 files of 10 MiB through the gateway into a bucket of rclone's S3 server, and on to a simulated node, or by reference to a
# simulated Argo cluster: time, memory above idle, and bytes written to the gateway's disk. It fails above 64 MiB of memory, or
# where a file touches the disk.
#
#   Benchmarks/object-storage.sh [FOLDER OF THE PROGRAMS]    default: .build/release (after `make build`)
set -euo pipefail
cd "$(dirname "$0")/.."
SCALEODM_BINARIES=$(realpath "${1:-.build/release}") SCALEODM_HEAVY_TESTS=1 \
    .build/venv/bin/python -m pytest Tests/Conformance/test_object_storage.py -q --no-header -k two_gigabytes

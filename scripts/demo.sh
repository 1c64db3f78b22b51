#!/bin/bash
# `make demo`: two simulated nodes and the gateway on SQLite; one task from generated images to its results.
# Everything lives in a folder of its own and is stopped at the end, by pid.
set -euo pipefail
cd "$(dirname "$0")/.."
binaries=$PWD/${DEMO_BINARIES:-.build/release}
work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
cd "$work"

# started NAME COMMAND…: runs a server and waits for the line that says where it listens.
started() {
    local name=$1
    shift
    "$@" >"$name.out" 2>"$name.err" &
    pids+=($!)
    for _ in $(seq 200); do
        if grep -q 'listening on http' "$name.out"; then return; fi
        kill -0 "$!" 2>/dev/null || break
        sleep 0.1
    done
    cat "$name.err" >&2
    echo "demo: $name did not start" >&2
    exit 1
}
address() { grep -om1 'listening on http://[^ ]*' "$1.out" | cut -d' ' -f3; }

echo "Starting two simulated NodeODM nodes"
for node in node-a node-b; do
    started "$node" "$binaries/NodeODMSimulator" --port 0 --control 0 --data "$node" --task-seconds 4
    echo "  $node at $(address "$node")"
done
cat >gateway.yaml <<YAML
listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
database: sqlite:data/scaleodm.db
storage: {directory: data/storage}
scheduling: {refresh: 1s}
backends:
  - {name: node-a, url: $(address node-a)}
  - {name: node-b, url: $(address node-b)}
YAML
started gateway "$binaries/scaleodm" serve -c gateway.yaml
gateway=$(address gateway)
admin=$(grep -om1 'admin on http://[^ ]*' gateway.out | cut -d' ' -f3)
echo "The gateway is at $gateway, its admin API at $admin"

echo "Submitting 2 tasks of 12 generated images each"
uuids=()
for task in 1 2; do
    files=()
    for image in $(seq 12); do
        head -c 200000 /dev/urandom >"image-$task-$image.jpg"
        files+=(-F "images=@image-$task-$image.jpg")
    done
    answer=$(curl -sS --max-time 60 "${files[@]}" -F "name=Demo $task" -F 'options=[{"name":"dsm","value":true}]' \
        "$gateway/task/new")
    uuids+=("$(sed -n 's/.*"uuid":"\([^"]*\)".*/\1/p' <<<"$answer")")
    [ -n "${uuids[-1]}" ] || { echo "demo: refused: $answer" >&2; exit 1; }
    echo "  task $task is ${uuids[-1]}"
done

for uuid in "${uuids[@]}"; do
    for _ in $(seq 120); do
        info=$(curl -sS --max-time 10 "$gateway/task/$uuid/info")
        code=$(sed -n 's/.*"status":{"code":\([0-9]*\).*/\1/p' <<<"$info")
        progress=$(sed -n 's/.*"progress":\([0-9.]*\).*/\1/p' <<<"$info")
        printf '\r  %s  status %s  %3.0f %%' "$uuid" "$code" "$progress"
        [ "$code" -lt 30 ] || break
        sleep 0.5
    done
    echo
    [ "$code" = 40 ] || { echo "demo: the task ended with $code" >&2; exit 1; }
    curl -sS --max-time 60 -o "$uuid.zip" "$gateway/task/$uuid/download/all.zip"
    unzip -tq "$uuid.zip"
done

echo "Where each task went, and why:"
for uuid in "${uuids[@]}"; do
    curl -sS --max-time 10 "$admin/api/tasks/$uuid" | sed -n 's/.*"reason":"\([^"]*\)".*/  \1/p'
    echo
done
cat <<TEXT

Point WebODM at a gateway of your own:
  1. list your nodes in an inventory (config/minimal.yaml) and run: scaleodm serve -c FILE
  2. in WebODM open Processing Nodes and choose Add New
  3. hostname: the gateway's host   port: 31100
  4. token: one of the inventory's, or nothing where it lists none
  5. save: WebODM now sees one large node, and every task is placed on the best of yours
TEXT

# Brings a task's inputs into the workspace: the container `download`. Runs in rclone's image, which has sh and no Python.
#
# What a user wrote comes only out of GW_TASK_B64, by way of files and quoted variables; nothing of it is ever shell text.
# Exit codes, which the gateway words: 64 the task can't be read, 65 the output place refuses us, 66 the inputs can't be read.
set -eu
umask 022
workspace=/workspace
state=$workspace/.gw
task=$state/task.json

fail() {
    echo "gateway: $2" >&2
    exit "$1"
}

progress() {
    if [ -n "${ARGO_PROGRESS_FILE:-}" ]; then echo "$1/100" >"$ARGO_PROGRESS_FILE" || true; fi
}

# base64url with padding, as the gateway writes it
decode() { tr '_-' '/+' | base64 -d; }

# A field of the task, written in base64url so that no quoting can matter here.
field() { sed -n 's/.*"'"$1"'":"\([A-Za-z0-9_=-]*\)".*/\1/p' "$task" | decode; }

# On a volume that outlives its pod, a retried pod finds what the one before left.
rm -rf "$state" "$workspace/input"
mkdir -p "$state" "$workspace/input" || fail 64 "the workspace can't be written"
progress 1
if [ -n "${GW_TASK_B64:-}" ]; then
    printf '%s' "$GW_TASK_B64" | decode >"$task" || fail 64 "GW_TASK_B64 can't be read"
else
    rclone cat "s3:${GW_TASK_BUCKET:-}/${GW_TASK_KEY:-}" >"$task" || fail 64 "the task's description can't be fetched"
fi
source=$(field source_b64)
output=$(field output_b64)
depth=$(field depth_b64)
endpoint=$(field endpoint_b64)
region=$(field region_b64)
if [ -z "$source" ] || [ -z "$output" ] || [ -z "$depth" ]; then fail 64 "the task's description lacks its places"; fi
if [ -n "$endpoint" ]; then export RCLONE_CONFIG_S3_ENDPOINT="$endpoint"; fi
if [ -n "$region" ]; then export RCLONE_CONFIG_S3_REGION="$region"; fi

field started_b64 | rclone rcat "s3:$output/_STARTED.json" || fail 65 "the output place can't be written"
field filter_b64 >"$state/filter"
# Progress once a minute; one line a file would drown the console.
rclone copy "s3:$source" "$workspace/input" --max-depth "$depth" --filter-from "$state/filter" \
    --transfers 8 --retries 5 --stats 60s --stats-one-line --stats-log-level NOTICE || fail 66 "the inputs can't be read"

# The later containers have Python but no rclone.
cp "$(command -v rclone)" "$state/rclone" || fail 64 "rclone can't be copied into the workspace"
chmod 755 "$state/rclone"
progress 5
echo "gateway: inputs are in the workspace"

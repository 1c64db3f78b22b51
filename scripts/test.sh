#!/bin/bash
# `make test`: builds once, runs the Swift tests, the conformance suite and the simulators' tests, and says how long each took.
# Every suite runs even when one before it fails, so that one run shows all there is to see; the exit code is 0 only if all passed.
#
# One configuration serves both (debug by default): on two cores a second build costs more than the tests themselves.
#   SCALEODM_TEST_CONFIGURATION=release    test what is shipped instead
#   SCALEODM_TEST_ARGUMENTS="-k item_37"   arguments for pytest
set -euo pipefail
cd "$(dirname "$0")/.."

configuration=${SCALEODM_TEST_CONFIGURATION:-debug}
swift=${SWIFT:-swift}
logs=.build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
times=()
failed=()

# part NAME COMMAND…: runs it with its output shown and kept, and notes time and outcome.
part() {
    local name=$1 start=$SECONDS code=0
    shift
    echo "== $name: $*"
    "$@" 2>&1 | tee "$logs/$name.log" || code=$?
    times+=("$(printf '%-12s %4d s  %s' "$name" $((SECONDS - start)) "$([ $code -eq 0 ] && echo passed || echo "FAILED ($code)")")")
    [ $code -eq 0 ] || failed+=("$name")
    return $code
}

# twice NAME COMMAND…: as part, with a second try: many tests wait for programs, and a slow machine may be too slow for one of them.
# The first try stays in the closing lines, so that a test which needs the second is seen.
twice() {
    part "$@" && return
    local name=$1
    shift
    part "$name-again" "$@" || return
    failed=("${failed[@]/#$name/}")
    failed=(${failed[@]})
}

# Where the tests find the stand-ins for S3.
export SCALEODM_VENV=${SCALEODM_VENV:-$PWD/.build/venv}

flags=(-c "$configuration")
[ "$configuration" = debug ] || flags+=(-Xswiftc -enable-testing)

if part build "$swift" build "${flags[@]}" --build-tests; then
    # Many tests wait: without a bound a thousand of them begin at once, and each waits for the others.
    twice swift-tests "$swift" test "${flags[@]}" --skip-build --experimental-maximum-parallelization-width 8 || true
    binaries=$("$swift" build "${flags[@]}" --show-bin-path)
    # Some of the worlds that `make simulate` has 10,000 of: as many as 20 s allow.
    part simulation "$binaries/Simulation" --processes 2 --seeds 300 --within 20 || true
    # Its tests wait for tasks most of the time: so four files at once; and what fails is tried a second time, and told. Several words are wanted here.
    # shellcheck disable=SC2086
    SCALEODM_BINARIES=$binaries part conformance \
        .build/venv/bin/python -m pytest Tests/Conformance -n 4 --dist loadfile --reruns 1 ${SCALEODM_TEST_ARGUMENTS:-} || true
fi

# What the packages, charts and completions are made of; what needs the program is skipped where the build failed.
SCALEODM_BINARIES=${binaries:-} part packaging .build/venv/bin/python -m pytest Tests/Packaging \
    -q -ra -p no:cacheprovider --timeout=120 || true

# The simulators that the suites stand on are Python: what they promise is tested whether or not the build succeeded.
part simulators .build/venv/bin/python -m pytest Tests/ArgoSimulator Tests/ScaleODMSimulator \
    -q -p no:cacheprovider -W ignore::DeprecationWarning --timeout=120 || true

echo
echo "== The runners' closing lines"
grep -hE 'Test run with [0-9]+ tests|Executed [1-9][0-9]* tests' "$logs/swift-tests.log" 2>/dev/null | tail -2 || true
tail -qn1 "$logs/conformance.log" "$logs/packaging.log" "$logs/simulators.log" 2>/dev/null || true
echo "== Times"
printf '%s\n' "${times[@]}"
echo "total        $(printf '%4d' $SECONDS) s"
if [ ${#failed[@]} -gt 0 ]; then
    echo "make test: FAILED: ${failed[*]}"
    exit 1
fi
echo "make test: all passed"

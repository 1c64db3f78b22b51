"""`make demo-argo`: it comes to a good end, stops all that it started, and says what goes wrong."""

import os
import signal
import subprocess
import sys
import zipfile

import pytest

from harness.programs import ROOT, Program
from harness.waiting import eventually
from test_cli_transfers import children_of

pytestmark = [pytest.mark.only("gateway"), pytest.mark.timeout(400)]

DEMO = ROOT / "Tests" / "Conformance" / "demo_argo.py"


def test_it_shows_two_tasks_from_images_to_results(tmp_path):
    answer = subprocess.run([sys.executable, DEMO, "--keep"], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True,
                            text=True, timeout=330, stdin=subprocess.DEVNULL)
    assert answer.returncode == 0, answer
    assert answer.stdout.count("every checksum right") == 2 and answer.stdout.count("Succeeded") == 2
    assert "s3://flights/field-7-output/" in answer.stdout and "shortest predicted wait" in answer.stdout
    assert children_of(tmp_path) == []
    folder, = tmp_path.glob("scaleodm-demo-argo-*")
    for number in (1, 2):
        with zipfile.ZipFile(folder / f"results-{number}.zip") as archive:
            assert "odm_orthophoto/odm_orthophoto.tif" in archive.namelist()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_all_that_it_started_when_it_is_stopped(tmp_path, how):
    # A shell that put the tests into the background lets them ignore Ctrl-C, and what they start inherits that.
    demo = Program("demo-argo", ["env", "--default-signal=INT", sys.executable, DEMO], environment={"TMPDIR": str(tmp_path)})
    try:
        demo.wait_for_line("Task 2: ", 120)
        assert len(children_of(tmp_path)) >= 3
        demo.signal(how)
        assert demo.process.wait(60) == 1
    finally:
        demo.kill()
    assert any(line == "Stopped." for line in demo.lines), demo.tail()
    eventually("its programs are gone", lambda: children_of(tmp_path) == [])
    assert list(tmp_path.iterdir()) == []


def test_without_the_programs_it_says_what_to_do(tmp_path):
    answer = subprocess.run([sys.executable, DEMO], capture_output=True, text=True, timeout=120,
                            env={**os.environ, "TMPDIR": str(tmp_path), "SCALEODM_BINARIES": str(tmp_path)})
    assert answer.returncode == 1 and "make build" in answer.stderr, answer
    assert "Traceback" not in answer.stderr and list(tmp_path.iterdir()) == []

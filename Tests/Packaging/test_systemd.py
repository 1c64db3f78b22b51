"""packaging/systemd/scaleodm.service, judged by systemd itself where it is there."""

import configparser
import pathlib
import re
import subprocess

import pytest

UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "systemd" / "scaleodm.service"


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is there: systemd looks whether it can be run."""
    file = tmp_path / "scaleodm.service"
    file.write_text(UNIT.read_text().replace("/usr/bin/scaleodm", "/bin/true"))
    return file


def keys() -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_systemd_finds_no_mistake(unit, program):
    done = subprocess.run([program("systemd-analyze"), "verify", "--man=no", unit], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and "scaleodm.service" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_little_is_open_to_it(unit, program):
    done = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold=15", unit],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    level = re.search(r"Overall exposure level for scaleodm.service: ([0-9.]+) OK", done.stdout)
    assert level and float(level.group(1)) <= 1.5, done.stdout


def test_the_manager_is_told_and_watches():
    found = keys()
    assert found["Type"] == "notify" and found["Restart"] == "on-failure"
    assert found["WatchdogSec"] == "30s"
    # drain.delay and drain.timeout by default.
    assert found["TimeoutStopSec"] == "11min"
    assert found["ExecReload"] == "kill -HUP $MAINPID"

"""What the packaging tests share: where things are, and the programs that may not be there."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The top of the sources."""
    return ROOT


@pytest.fixture(scope="session")
def scaleodm() -> pathlib.Path:
    """The program that was built; SCALEODM_BINARIES names the folder."""
    folder = os.environ.get("SCALEODM_BINARIES")
    if not folder:
        pytest.skip("SCALEODM_BINARIES is not set: nothing was built")
    return ROOT / folder / "scaleodm"


@pytest.fixture(scope="session")
def program():
    """Finds a program of Debian's; where it isn't installed the test says so instead of failing."""

    def find(name: str) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find


@pytest.fixture(scope="session")
def check(scaleodm, tmp_path_factory):
    """Lets the built program judge an inventory; returns what it prints."""

    def judge(text: str, **variables: str) -> str:
        file = tmp_path_factory.mktemp("inventory") / "gateway.yaml"
        file.write_text(text)
        done = subprocess.run(
            [scaleodm, "check", file, "--print"], env={"PATH": os.environ["PATH"], **variables},
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return judge

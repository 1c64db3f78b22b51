"""The manual page, read by the two programs that read manual pages."""

import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def page(scaleodm, tmp_path_factory):
    file = tmp_path_factory.mktemp("man") / "scaleodm.1"
    file.write_text(subprocess.run([scaleodm, "man"], capture_output=True, text=True, check=True, timeout=60).stdout)
    return file


def test_groff_has_nothing_to_warn_of(page, program):
    done = subprocess.run(
        [program("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True, text=True,
        timeout=60, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_mandoc_has_nothing_to_warn_of(page, program):
    done = subprocess.run([program("mandoc"), "-T", "lint", "-W", "warning", page], capture_output=True, text=True,
                          timeout=60)
    # There is no date on it: the program is the same whenever it is built.
    found = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert not found, found


def test_it_tells_what_help_tells(page, program, scaleodm):
    text = subprocess.run(
        [program("mandoc"), "-T", "utf8", "-O", "width=200", page], capture_output=True, text=True, check=True,
        timeout=60).stdout
    text = re.sub(".\b", "", text)
    top = subprocess.run([scaleodm, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    verbs = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", top, flags=re.M)
    assert len(verbs) > 8
    for verb in verbs:
        assert re.search(rf"^   {verb}$", text, flags=re.M), verb
        own = subprocess.run([scaleodm, *verb.split(), "--help"], capture_output=True, text=True, timeout=60).stdout
        for flag in re.findall(r"--[a-z-]+(?: [A-Z=:]+)?", own.split("Examples:")[0].split("\n\n")[-1]):
            assert flag in text or flag == "--help", flag
    for word in ("SCALEODM_ADMIN", "SCALEODM_TOKEN", "EXIT STATUS", "/etc/scaleodm/gateway.yaml"):
        assert word in text

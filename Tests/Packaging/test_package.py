"""The Debian package, made of a stand-in for the program: a release build takes minutes, and the packaging is what is tested."""

import gzip
import hashlib
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "packaging" / "debian" / "build.sh"


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """A small program that is linked like any other, and tells version, manual page and completions."""
    if not shutil.which("cc") or not shutil.which("dpkg-shlibdeps"):
        pytest.skip("cc or dpkg-dev is not installed")
    folder = tmp_path_factory.mktemp("stand-in")
    source = folder / "program.c"
    source.write_text(r"""
        #include <stdio.h>
        #include <string.h>
        int main(int count, char **words) {
            if (count > 1 && !strcmp(words[1], "--version")) puts("scaleodm 9.8.7");
            else if (count > 1 && !strcmp(words[1], "man"))
                puts(".TH SCALEODM 1 \"\" \"scaleodm\" \"User Commands\"\n.SH NAME\nscaleodm \\- a stand\\-in\n.SH DESCRIPTION\nText.");
            else if (count > 2) printf("# %s\n", words[2]);
            return 0;
        }
    """)
    program = folder / "scaleodm"
    subprocess.run(["cc", "-O2", "-D_FORTIFY_SOURCE=2", "-fPIE", "-pie", "-fstack-protector-strong", "-Wl,-z,relro,-z,now", "-o", program, source],
                   check=True)
    return program


def make(program, folder) -> pathlib.Path:
    done = subprocess.run([BUILD, program, folder], capture_output=True, text=True, timeout=120,
                          env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1700000000", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip())


@pytest.fixture(scope="module")
def package(stand_in, tmp_path_factory):
    return make(stand_in, tmp_path_factory.mktemp("package"))


def test_what_is_in_it(package, program):
    listing = subprocess.run([program("dpkg-deb"), "-c", package], capture_output=True, text=True, check=True).stdout
    files = {row.split()[5].removeprefix("."): row.split() for row in listing.splitlines()}
    for name, mode in {
        "/usr/bin/scaleodm": "-rwxr-xr-x", "/usr/lib/systemd/system/scaleodm.service": "-rw-r--r--",
        "/usr/share/man/man1/scaleodm.1.gz": "-rw-r--r--", "/usr/share/bash-completion/completions/scaleodm": "-rw-r--r--",
        "/usr/share/zsh/vendor-completions/_scaleodm": "-rw-r--r--",
        "/usr/share/fish/vendor_completions.d/scaleodm.fish": "-rw-r--r--",
        "/etc/scaleodm/gateway.yaml": "-rw-r-----", "/etc/scaleodm/environment": "-rw-------",
        "/usr/share/doc/scaleodm/examples/gateway.example.yaml": "-rw-r--r--",
        "/usr/share/doc/scaleodm/copyright": "-rw-r--r--",
    }.items():
        assert files[name][0] == mode, name
    assert {row[1] for row in files.values()} == {"root/root"}


def test_its_control_files(package, program, tmp_path):
    subprocess.run([program("dpkg-deb"), "-R", package, tmp_path / "tree"], check=True)
    control = tmp_path / "tree" / "DEBIAN"
    text = (control / "control").read_text()
    assert "Version: 9.8.7\n" in text
    # Of what the stand-in is linked against.
    assert re.search(r"^Depends: .*libc6.*, adduser, ca-certificates$", text, re.M), text
    assert (control / "conffiles").read_text().split() == ["/etc/scaleodm/gateway.yaml", "/etc/scaleodm/environment"]
    for script in ("postinst", "prerm", "postrm"):
        subprocess.run(["sh", "-n", control / script], check=True)
    for line in (control / "md5sums").read_text().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.md5((tmp_path / "tree" / name).read_bytes()).hexdigest() == digest
    page = gzip.decompress((tmp_path / "tree/usr/share/man/man1/scaleodm.1.gz").read_bytes()).decode()
    assert page.startswith(".TH SCALEODM 1")
    assert (tmp_path / "tree/usr/share/bash-completion/completions/scaleodm").read_text() == "# bash\n"


def test_it_is_the_same_whenever_it_is_made(package, stand_in, tmp_path):
    assert make(stand_in, tmp_path).read_bytes() == package.read_bytes()


def test_lintian_is_content(package, program):
    done = subprocess.run(
        [program("lintian"), "--allow-root", "--fail-on", "error,warning", "--display-info", "--no-cfg", package],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not re.search("^[EWI]:", done.stdout, re.M), done.stdout + done.stderr


def test_a_program_without_a_version_is_refused(tmp_path):
    done = subprocess.run([BUILD, "/bin/true", tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "tells no version" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_packaged_inventory_means_what_it_says(check):
    printed = check((ROOT / "packaging/debian/gateway.yaml").read_text())
    assert "0 backends, no errors" in printed and "/var/lib/scaleodm/storage" in printed


def test_the_packaged_files_fit_the_service():
    unit = (ROOT / "packaging/systemd/scaleodm.service").read_text()
    assert "ExecStart=/usr/bin/scaleodm serve -c /etc/scaleodm/gateway.yaml" in unit
    assert "EnvironmentFile=-/etc/scaleodm/environment" in unit and "StateDirectory=scaleodm" in unit
    assert "adduser --system" in (ROOT / "packaging/debian/postinst").read_text()

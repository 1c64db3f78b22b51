"""Dockerfile, .dockerignore and compose.yaml. No image is built here: there is no engine where these tests run."""

import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's instructions, a list for each stage."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    found: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, rest = line.split(None, 1)
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def values(stage, word: str) -> list[str]:
    return [rest for found, rest in stage if found == word]


def test_the_builder_only_calls_make(stages):
    build, _ = stages
    assert values(build, "RUN") == ["make build"]


def test_the_image_holds_the_program_alone_and_no_root(stages):
    build, image = stages
    assert values(image, "COPY") == ["--from=build /src/.build/release/scaleodm /usr/local/bin/scaleodm"]
    [user] = values(image, "USER")
    assert int(user.split(":")[0]) > 0
    assert "EXPOSE" in dict(image) and values(image, "VOLUME") == ["/var/lib/scaleodm"]
    assert values(image, "ENTRYPOINT") == ['["scaleodm"]']
    # Without an inventory it takes the place of ScaleODM's own image.
    assert values(image, "CMD") == ['["serve"]']
    # Both are one Debian, whose libraries the program is linked against.
    assert "bookworm" in values(build, "FROM")[0] and "bookworm" in values(image, "FROM")[0]


def test_the_image_asks_for_health_by_the_verb_that_there_is(stages, scaleodm):
    [check] = values(stages[1], "HEALTHCHECK")
    words = yaml.safe_load(check[check.index("CMD") + 3:])
    assert words[0] == "scaleodm"
    done = subprocess.run([scaleodm, *words[1:], "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "healthz" in done.stdout


def test_the_image_has_every_library_that_the_program_needs(stages, scaleodm, program):
    """What the linker wrote into the program, by the package that brings it on Debian 12."""
    if "VERSION_ID=\"12\"" not in pathlib.Path("/etc/os-release").read_text():
        pytest.skip("this is not Debian 12")
    installed = {word for run in values(stages[1], "RUN") for word in shlex.split(run)}
    needed = re.findall(
        r"NEEDED\).*\[(.+)\]",
        subprocess.run([program("readelf"), "--dynamic", scaleodm], capture_output=True, text=True, check=True).stdout)
    # The Swift runtime is in the program that is shipped.
    libraries = [name for name in needed if not name.startswith(("libswift", "libFoundation", "lib_Foundation", "libBlocks",
                                                                  "libdispatch"))]
    assert len(libraries) > 5
    # What every Debian has, and what the image brings as far as this machine has it too.
    packages = ["libc6", "libgcc-s1", "libstdc++6", *(word for word in installed if word.startswith(("lib", "zlib")))]
    files = subprocess.run(["dpkg", "--listfiles", *packages], capture_output=True, text=True, timeout=60).stdout
    assert set(libraries) <= {line.rsplit("/", 1)[-1] for line in files.splitlines()}


def test_what_make_build_reads_goes_to_the_builder():
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"Makefile", "Package.swift", "Sources", "Tests", "scripts"} <= let_in
    for name in let_in:
        assert (ROOT / name).exists(), name
    assert ".git" not in let_in and ".build" not in let_in


@pytest.fixture(scope="module")
def compose(program):
    """compose.yaml as docker-compose understands it."""
    def read(**variables: str) -> dict:
        done = subprocess.run(
            [program("docker-compose"), "--file", ROOT / "compose.yaml", "config"], capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", **variables}, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr, done.stderr
        return yaml.safe_load(done.stdout)
    return read


def test_docker_compose_takes_the_file(compose):
    found = compose()
    assert found["services"].keys() == {"gateway", "database", "s3", "nodeodm-1", "nodeodm-2"}
    for service in found["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert pathlib.Path(source).is_dir() if source.startswith("/") else source in found["volumes"], volume


def test_the_gateway_may_do_little(compose):
    gateway = compose()["services"]["gateway"]
    assert gateway["read_only"] is True and gateway["cap_drop"] == ["ALL"] and gateway["user"] == "10001:10001"
    assert gateway["security_opt"] == ["no-new-privileges:true"]
    # The admin listener is for this machine.
    ports = [str(port) if isinstance(port, str) else port for port in gateway["ports"]]
    assert "127.0.0.1:31101:31101/tcp" in ports


def test_passwords_come_from_the_environment(compose):
    found = compose(POSTGRES_PASSWORD="p1", AWS_SECRET_ACCESS_KEY="s1", SCALEODM_ADMIN_TOKEN="t1")["services"]
    variables = found["gateway"]["environment"]
    assert ":p1@" in variables["SCALEODM_DATABASE_URL"] and found["database"]["environment"]["POSTGRES_PASSWORD"] == "p1"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "s1" and ",s1" in found["s3"]["command"][0]
    assert variables["SCALEODM_TOKEN"] == variables["SCALEODM_ADMIN_TOKEN"] == "t1"


def test_the_gateway_takes_its_inventory_and_knows_both_nodes(compose, check):
    found = compose()["services"]
    text = (ROOT / "config/compose/gateway.yaml").read_text()
    assert list(found["gateway"]["command"]) == ["serve", "-c", "/etc/scaleodm/gateway.yaml"]
    printed = check(text, **found["gateway"]["environment"])
    assert "2 backends, no errors" in printed
    for backend in yaml.safe_load(text)["backends"]:
        assert backend["url"].removeprefix("http://").split(":")[0] in found
    bucket = yaml.safe_load(text)["storage"]["s3"]["bucket"]
    assert f"mkdir -p /data/{bucket} " in found["s3"]["command"][0]

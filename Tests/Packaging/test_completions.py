"""The completions, asked for by the shells themselves."""

import shlex
import subprocess

import pytest


@pytest.fixture(scope="module")
def scripts(scaleodm, tmp_path_factory):
    """The script of each shell, as a file."""
    folder = tmp_path_factory.mktemp("completions")
    found = {}
    for shell in ("bash", "zsh", "fish"):
        found[shell] = folder / f"scaleodm.{shell}"
        found[shell].write_text(subprocess.run(
            [scaleodm, "completions", shell], capture_output=True, text=True, check=True, timeout=60).stdout)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where files are completed."""
    place = tmp_path_factory.mktemp("files")
    (place / "gate way.yaml").touch()
    (place / "gateway.yaml").touch()
    (place / "gatefolder").mkdir()
    return place


def bash(script, folder, line: str) -> list[str]:
    """What bash offers behind a line; words are split as readline splits them, at `=` too."""
    words = [part for word in line.split(" ") for part in _split(word)]
    code = f"""
        source {shlex.quote(str(script))}
        COMP_WORDS=({" ".join(map(shlex.quote, words))})
        COMP_CWORD={len(words) - 1}
        _scaleodm
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-eu", "-o", "pipefail", "-c", code + "\n:"], cwd=folder, capture_output=True,
                          text=True, timeout=60)
    assert not done.stderr, done.stderr
    return sorted(filter(None, done.stdout.split("\n")))


def _split(word: str) -> list[str]:
    if not word.startswith("--") or "=" not in word:
        return [word]
    name, value = word.split("=", 1)
    return [name, "=", value] if value else [name, "="]


def fish(program, script, folder, line: str) -> list[str]:
    done = subprocess.run(
        [program("fish"), "--no-config", "-c", f"source {script}; complete -C {shlex.quote(line)}"], cwd=folder,
        capture_output=True, text=True, timeout=60, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    assert not done.stderr, done.stderr
    return sorted(row.split("\t")[0] for row in done.stdout.splitlines())


#: A line, what is offered among other things, and what must not be.
CASES = [
    ("scaleodm ", ["serve", "tasks", "help", "import"], ["show"]),
    ("scaleodm ser", ["serve"], ["tasks"]),
    ("scaleodm help ", ["serve", "tasks"], []),
    ("scaleodm tasks ", ["show"], ["serve"]),
    ("scaleodm tasks --st", ["--state"], ["--json"]),
    ("scaleodm tasks --state ", ["queued", "placed"], ["show"]),
    ("scaleodm tasks --state qu", ["queued"], ["placed"]),
    ("scaleodm tasks --json --state ", ["queued"], ["--json"]),
    ("scaleodm tasks show --", ["--json", "--admin"], ["--state"]),
    ("scaleodm serve --config gate", ["gateway.yaml"], ["serve"]),
    ("scaleodm check gate", ["gateway.yaml"], []),
    ("scaleodm completions ", ["bash", "fish", "zsh"], ["gateway.yaml"]),
    ("scaleodm download --asset ", [], ["gateway.yaml"]),
]


@pytest.mark.parametrize("line, wanted, unwanted", CASES, ids=[case[0] for case in CASES])
def test_bash(scripts, folder, line, wanted, unwanted):
    offered = bash(scripts["bash"], folder, line)
    assert set(wanted) <= set(offered) and not set(unwanted) & set(offered), offered


def test_bash_knows_what_belongs_to_it_alone(scripts, folder):
    assert bash(scripts["bash"], folder, "scaleodm tasks --state=pl") == ["placed"]
    assert "queued" in bash(scripts["bash"], folder, "scaleodm tasks --state=")
    assert bash(scripts["bash"], folder, "scaleodm serve -c gate") == ["gate way.yaml", "gatefolder", "gateway.yaml"]
    assert bash(scripts["bash"], folder, "scaleodm import --data gate") == ["gatefolder"]
    assert bash(scripts["bash"], folder, "scaleodm nonsense ") == []


def test_bash_completes_in_a_bash_that_a_person_uses(scripts, folder, scaleodm):
    """Registered, and reached by the Tab key."""
    pytest.importorskip("pty")
    import os
    import pty
    import select
    import time

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "--norc", "--noprofile"], {
            "PATH": f"{scaleodm.parent}:/usr/bin:/bin", "TERM": "dumb", "PS1": "$ ", "HOME": str(folder)})
    seen = b""

    def until(text: bytes):
        nonlocal seen
        end = time.monotonic() + 30
        while text not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65536)
        assert text in seen, seen

    try:
        until(b"$ ")
        os.write(terminal, f"source {scripts['bash']}; echo loa''ded\n".encode())
        until(b"\nloaded")
        os.write(terminal, b"scaleodm tasks --state rec\t")
        until(b"receiving")
        os.write(terminal, b"\x15exit\n")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("line, wanted, unwanted", CASES, ids=[case[0] for case in CASES])
def test_fish(scripts, folder, program, line, wanted, unwanted):
    offered = fish(program, scripts["fish"], folder, line)
    assert set(wanted) <= set(offered) and not set(unwanted) & set(offered), offered


def zsh(program, script, folder, line: str) -> str:
    """What zsh shows behind a line, in a terminal of its own: its completion runs nowhere else."""
    code = f"""
        zmodload zsh/zpty
        zpty shell {program("zsh")} -f -i
        zpty -w shell 'PS1=; autoload -Uz compinit; compinit -u -D; source {script}; cd {shlex.quote(str(folder))}'
        zpty -w shell 'LISTMAX=10000; zstyle ":completion:*" list-prompt ""; bindkey "^I" list-choices'
        zpty -w shell 'bindkey "^X" send-break; echo rea""dy'
        zpty -r -m shell seen '*ready*'
        zpty -n -w shell {shlex.quote(line)}$'\\t'
        zpty -n -w shell $'\\C-u'"echo en''d"$'\\n'
        zpty -r -m shell seen $'*\\nend*'
        print -r -- "$seen"
        zpty -d shell
    """
    done = subprocess.run([program("zsh"), "-f", "-c", code], capture_output=True, text=True, timeout=60,
                          env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8",
                               "COLUMNS": "200", "LINES": "200"})
    return done.stdout + done.stderr


@pytest.mark.parametrize("line, wanted, unwanted", CASES, ids=[case[0] for case in CASES])
def test_zsh(scripts, folder, program, line, wanted, unwanted):
    shown = zsh(program, scripts["zsh"], folder, line)
    # A single choice is put into the line rather than listed; behind `--` stands what a word means.
    offered = {word for row in shown.replace(line, "").splitlines() for word in row.split(" -- ")[0].split()}
    for word in wanted:
        assert any(word in part for part in offered), shown
    assert not set(unwanted) & offered, shown


def test_an_unknown_shell_is_told(scaleodm):
    done = subprocess.run([scaleodm, "completions", "tcsh"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "bash, zsh and fish" in done.stderr and not done.stdout

"""What runs the gateway: `scaleodm health` for containers, and systemd's protocol of notification."""

import os
import signal
import socket

import pytest

from harness.gateway import Gateway, command
from harness.waiting import eventually


class Manager:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.socket.settimeout(30)

    def next(self):
        """The next message's assignments."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def until(self, name):
        while name not in (found := self.next()):
            pass
        return found

    def close(self):
        self.socket.close()


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_is_told_of_start_life_and_end(kind, scratch):
    folder = scratch / f"notify-{kind}"
    folder.mkdir()
    address = f"@scaleodm-{os.getpid()}-{kind}" if kind == "abstract" else str(folder / "notify")
    manager = Manager(address)
    gateway = Gateway(folder, [], environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"})
    try:
        assert manager.until("READY")["STATUS"] == f"serving on {gateway.url}"
        assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}
        gateway.program.signal(signal.SIGTERM)
        assert manager.until("STOPPING")["STATUS"] == "draining"
        assert gateway.program.process.wait(30) == 0
        gateway.program._expected_to_end = True
    finally:
        gateway.stop()
        manager.close()


def test_a_frozen_gateway_sends_no_sign_of_life(scratch):
    folder = scratch / "frozen"
    folder.mkdir()
    manager = Manager(str(folder / "notify"))
    gateway = Gateway(folder, [], environment={"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "20000"})
    try:
        manager.until("WATCHDOG")
        gateway.program.freeze()
        manager.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                manager.next()
        gateway.program.thaw()
        manager.socket.settimeout(30)
        manager.until("WATCHDOG")
    finally:
        gateway.stop()
        manager.close()


@pytest.fixture(scope="module")
def running(scratch):
    from conftest import World

    world = World(scratch / "health")
    node = world.node(name="alpha")
    yield world.gateway([node]), node
    world.close()


def test_health_of_a_gateway_that_is_well(running):
    gateway, _ = running
    answer = gateway.cli("health")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "alive\n", "")
    eventually("it is ready", lambda: gateway.cli("health", "--ready").returncode == 0)
    assert gateway.cli("health", "--ready").stdout == "ready\n"


def test_health_needs_no_token(scratch):
    from conftest import World

    world = World(scratch / "health-token")
    try:
        gateway = world.gateway([], settings={"admin": {"token": "admin-token"}})
        assert command("health", "--admin", gateway.admin_url).stdout == "alive\n"
    finally:
        world.close()


def test_a_gateway_without_a_backend_is_alive_and_not_ready(scratch):
    gateway = Gateway(scratch / "no-backend", [])
    try:
        assert command("health", "--admin", gateway.admin_url).returncode == 0
        answer = command("health", "--ready", "--admin", gateway.admin_url)
        assert answer.returncode == 1 and "not ready: backends: 0 of 0 online" in answer.stderr
    finally:
        gateway.stop()


def test_nobody_there_is_not_health():
    answer = command("health", "--admin", "http://127.0.0.1:1")
    assert answer.returncode == 1 and "does not answer" in answer.stderr and not answer.stdout


def test_something_else_there_is_not_health_either(running):
    gateway, _ = running
    answer = command("health", "--admin", gateway.url)
    assert answer.returncode == 1 and "does not answer as an admin listener" in answer.stderr

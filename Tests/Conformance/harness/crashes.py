"""A gateway that kills itself at one transition, and a client that asks again until it is answered."""

import signal
import time

import requests


class Mortal:
    """A gateway with one crash point in its first life. Whoever finds it dead starts it again, without the point."""

    def __init__(self, world, point, nodes, settings):
        self.point = point
        self.deaths = 0
        self.gateway = world.gateway(nodes, settings, environment={"SCALEODM_CRASH_AT": point})

    @property
    def api(self):
        return self.gateway.api

    def revive(self):
        """Starts it again where it died of its point; any other end is a failure."""
        program = self.gateway.program
        if program.running:
            return
        assert program.process.returncode == -signal.SIGKILL, f"it ended with {program.process.returncode}:\n{program.tail()}"
        assert self.deaths == 0, "it died a second time"
        self.deaths += 1
        program._expected_to_end = True
        self.gateway.environment = {}
        self.gateway.start()

    def ask(self, call, seconds=60.0):
        """The answer of `call(api)`, asked again as long as nobody answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return call(self.gateway.api)
            except requests.exceptions.RequestException:
                assert time.monotonic() < deadline, f"nobody answers at {self.point}"
                time.sleep(0.02)
                self.revive()

    def until(self, what, condition, seconds=60.0):
        """Waits for `condition(api)`, over the gateway's death."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.ask(condition)
            if answer:
                return answer
            assert time.monotonic() < deadline, f"{self.point}: {what}: not within {seconds} s"
            time.sleep(0.03)

    def die(self, seconds=60.0):
        """Waits until it has died of its point, and is back."""
        deadline = time.monotonic() + seconds
        while self.deaths == 0:
            assert time.monotonic() < deadline, f"{self.point} was never reached"
            self.revive()
            time.sleep(0.02)

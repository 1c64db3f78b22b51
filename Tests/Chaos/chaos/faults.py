"""Breaks what the schedule says, and mends it again."""

import threading
import time

from .setting import now

BUSY = (b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: 88\r\n\r\n"
        b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please wait.</Message></Error>\n")


class Faults:
    """Begins each fault when its moment has come, each in a thread of its own; two at one place come one after the other."""

    def __init__(self, setting, admin, committed):
        self._setting = setting
        self._admin = admin
        #: How many tasks are committed.
        self._committed = committed
        self._stop = threading.Event()
        self._running = []
        self.counts = {}
        self.errors = []
        self._thread = threading.Thread(target=self._run, name="faults")

    def start(self):
        self._thread.start()

    def finish(self):
        """Begins none any more, and waits until all is whole again."""
        self._stop.set()
        self._thread.join()
        for thread in self._running:
            thread.join()

    @property
    def are_over(self):
        return not self._thread.is_alive() and not any(thread.is_alive() for thread in self._running)

    def _run(self):
        for fault in self._setting.schedule.faults:
            while self._committed() < fault.after:
                if self._stop.wait(0.05):
                    return
            thread = threading.Thread(target=self._carry_out, args=(fault,), name=str(fault))
            thread.start()
            self._running.append(thread)

    def _carry_out(self, fault):
        action = getattr(self, "_" + fault.kind.replace("-", "_"))
        with self._setting.turns[fault.target]:
            try:
                action(fault)
                self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
            except Exception as error:  # Told in the verdict: a fault that didn't happen proves nothing.
                self.errors.append(f"{fault}: {error!r}")

    # The gateways and what they stand on.

    def _kill_replica(self, fault):
        gateway = self._setting.replica(fault.target)
        gateway.kill()
        time.sleep(fault.seconds)
        gateway.start(wait=False)
        gateway.wait_until_ready(60)

    def _freeze_replica(self, fault):
        """Another takes over what it had; when it goes on it must know that it may not."""
        gateway = self._setting.replica(fault.target)
        gateway.freeze()
        time.sleep(fault.seconds)
        gateway.thaw()

    def _restart_database(self, fault):
        self._setting.postgres.stop()
        time.sleep(fault.seconds)
        self._setting.postgres.start()

    def _refuse_s3(self, fault):
        cable = self._setting.cables["s3"]
        cable.answer_instead(BUSY)
        time.sleep(fault.seconds)
        cable.answer_instead(None)

    # Backends.

    def _freeze(self, fault):
        backend = self._setting.backends[fault.target]
        backend.freeze()
        time.sleep(fault.seconds)
        backend.thaw()

    def _kill(self, fault):
        with self._dead(fault.target):
            time.sleep(fault.seconds)

    def _kill_and_evacuate(self, fault):
        """Its tasks begin anew elsewhere; what it still has of them when it returns is removed by the gateway."""
        with self._dead(fault.target):
            status, answer = self._admin.post(f"/api/backends/{fault.target}/evacuate")
            assert status == 200, (status, answer)
            time.sleep(fault.seconds)
        self._admin.post(f"/api/backends/{fault.target}/undrain")

    def _dead(self, name):
        return _Dead(self._setting, name)

    def _cut_off(self, fault):
        cable = self._setting.cables[fault.target]
        cable.cut()
        time.sleep(fault.seconds)
        cable.mend()

    def _cut_upload(self, fault):
        self._setting.cables[fault.target].cut_once_after(int(fault.detail), "up")

    def _lose_answer(self, fault):
        self._setting.cables[fault.target].lose_answer_to(fault.detail.encode())

    def _save_list(self, fault):
        """The hour at which it saves its task list has come."""
        self._setting.backends[fault.target].save_list()


class _Dead:
    """A backend that is killed, and back at the end with what it kept."""

    def __init__(self, setting, name):
        self._setting, self._name = setting, name

    def __enter__(self):
        self._setting.backends[self._name].kill()
        # Whatever it began, it began before.
        self._dead_at = now()

    def __exit__(self, *_):
        self._setting.backends[self._name].start()
        self._setting.note_death(self._name, self._dead_at)

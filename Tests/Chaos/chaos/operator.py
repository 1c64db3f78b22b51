"""What a person has to do: release submissions whose outcome nobody can find out, once it is seen that they don't run."""

import threading

from .setting import now


class Operator:
    """Looks at held tasks every two seconds."""

    def __init__(self, setting, admin):
        self._setting = setting
        self._admin = admin
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="operator")
        #: Tasks that were released, and when.
        self.released = {}
        self.errors = set()

    def start(self):
        self._thread.start()

    def finish(self):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(2):
            try:
                self._release_held()
            except Exception as error:  # Told in the verdict.
                self.errors.add(repr(error))

    def _release_held(self):
        with self._setting.turns["scaleodm"]:  # Nothing breaks it while it is being looked at.
            tasks = [self._admin.task(task["uuid"]) for state in ("dispatching", "placed")
                     for task in self._admin.get(f"/api/tasks?state={state}&backend=scaleodm&limit=1000")["tasks"]]
            held = [task["uuid"] for task in tasks if self._is_held(task)]
            if not held:
                return
            # Evacuated is all of it: so what it runs is let come to its end before.
            self._ask("drain")
            if len(held) == len(tasks):
                self._ask("evacuate")
                self._ask("undrain")
                self.released.update(dict.fromkeys(held, now()))

    def _is_held(self, task):
        """Whether nobody can find out if the instance has it, and by its own journal it never took it."""
        attempt = task["attempts"][-1]
        if attempt["state"] != "committing" or not any(
                event["kind"] == "outcomeUnknown" and event.get("attempt") == attempt["number"] for event in task["events"]):
            return False
        place = f"s3://data/scaleodm/{task['uuid']}/input/attempt-{attempt['number']}/"
        return self._setting.backends["scaleodm"].effects("createdFor").get(place, 0) == 0

    def _ask(self, action):
        status, answer = self._admin.post(f"/api/backends/scaleodm/{action}")
        assert status == 200, (action, status, answer)

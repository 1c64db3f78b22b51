"""What a person has to do: release submissions whose outcome nobody can find out, once it is seen that they don't run."""

import threading

from .setting import now


#: A gateway looks again every minute, in ms.
LONGEST_SEARCH = 150_000


class Operator:
    """Looks at held tasks every two seconds."""

    def __init__(self, setting, admin):
        self._setting = setting
        self._admin = admin
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="operator")
        self._is_draining = False
        #: Since when held tasks are known to run there.
        self._found = {}
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
            held = [task["uuid"] for task in tasks if self._is_held(task) and not self._runs(task)]
            # Evacuated is all of it: so it gets nothing more, and what it runs is let come to its end, before that is done.
            if held and not self._is_draining:
                self._ask("drain")
            elif held and len(held) == len(tasks):
                self._ask("evacuate")
                self.released.update(dict.fromkeys(held, now()))
            elif not held and self._is_draining:
                self._ask("undrain")
            self._is_draining = bool(held)

    def _is_held(self, task):
        """Whether the gateway can't find out if the instance has it."""
        attempt = task["attempts"][-1]
        return attempt["state"] == "committing" and any(
            event["kind"] == "outcomeUnknown" and event.get("attempt") == attempt["number"] for event in task["events"])

    def _runs(self, task):
        """Whether the instance took it, by its own journal. Then the gateway has to find it sooner or later."""
        place = f"s3://data/scaleodm/{task['uuid']}/input/attempt-{task['attempts'][-1]['number']}/"
        if self._setting.backends["scaleodm"].effects("createdFor").get(place, 0) == 0:
            return False
        since = self._found.setdefault(place, now())
        if now() - since > LONGEST_SEARCH:
            self.errors.add(f"task {task['uuid']} is held although the instance has it")
        return True

    def _ask(self, action):
        status, answer = self._admin.post(f"/api/backends/scaleodm/{action}")
        assert status == 200, (action, status, answer)

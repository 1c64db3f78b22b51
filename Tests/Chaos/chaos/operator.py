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
            for listed in self._admin.get("/api/tasks?state=dispatching&backend=scaleodm&limit=1000")["tasks"]:
                task = self._admin.task(listed["uuid"])
                if self._is_held(task) and not self._runs(task):
                    self._retry(task["uuid"])

    def _retry(self, uuid):
        """`scaleodm tasks retry`; one that has gone on meanwhile is answered with 409."""
        status, answer = self._admin.post(f"/api/tasks/{uuid}/retry")
        if status == 200:
            self.released[uuid] = now()
        elif status != 409:
            self.errors.add(f"retry of {uuid}: {status} {answer}")

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

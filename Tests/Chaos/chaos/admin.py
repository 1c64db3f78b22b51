"""What an operator asks of the gateways, through whichever replica answers."""

import time

import requests

HEADERS = {"X-ScaleODM-Admin": "1"}


class Admin:
    """The admin API of several replicas as one."""

    def __init__(self, replicas):
        self._replicas = replicas

    def get(self, path):
        return self._ask("GET", path).json()

    def post(self, path, seconds=60):
        """The answer's status and its JSON. Repeated until a replica answers: what is posted here may be done twice."""
        answer = self._ask("POST", path, seconds)
        return answer.status_code, answer.json() if answer.content else None

    def _ask(self, method, path, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            for gateway in self._replicas.living:
                try:
                    answer = requests.request(method, gateway.admin_url + path, headers=HEADERS, timeout=30)
                except requests.exceptions.RequestException:
                    continue
                if answer.status_code < 500:
                    return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"no replica answers {method} {path}")
            time.sleep(0.3)

    def task(self, uuid):
        return self.get(f"/api/tasks/{uuid}")

"""Several gateways on one database and one storage, and a client that a balancer sends to each in turn."""

import itertools
import threading

import requests

from .api import API
from .gateway import merged
from .waiting import eventually


class Replicas:
    """Gateways A, B, C, … with the same inventory. `database` is a PostgreSQL URL; `storage` as in the inventory."""

    def __init__(self, world, backends, database, storage, count=3, settings=None):
        self.database = database
        self.all = []
        for number in range(count):
            # The name that a replica's connections have on the server tells them apart.
            url = f"{database}?application_name=replica{number}"
            own = merged({"database": url, "storage": storage}, settings or {})
            self.all.append(world.gateway(backends, own, start=False))
        starting = [threading.Thread(target=gateway.start) for gateway in self.all]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert all(gateway.api for gateway in self.all), "not every replica has started"

    @property
    def living(self):
        return [gateway for gateway in self.all if gateway.program.running]

    def balanced(self, timeout=60):
        return BalancedAPI(self, timeout)

    def scheduler(self, seconds=30.0):
        """The replica that decides placements, by its own log."""

        def holder():
            found = [(self._taken(gateway), gateway) for gateway in self.living]
            found = [(line, gateway) for line, gateway in found if line]
            return max(found, key=lambda pair: pair[0])[1] if found else None

        return eventually("one of the replicas decides", holder, seconds)

    @staticmethod
    def _taken(gateway):
        """The moment at which it last took the lease, as its log says it."""
        lines = [line for line in gateway.program.lines if "lease taken" in line and "scheduler" in line]
        return lines[-1].split()[0] if lines else None


class BalancedAPI(API):
    """Each request goes to the next replica; one that refuses the connection, or breaks it off, is passed over."""

    def __init__(self, replicas, timeout=60):
        super().__init__(replicas.all[0].url, timeout=timeout)
        self.replicas = replicas
        self._turns = itertools.count()

    def call(self, method, path, params=None, **settings):
        error = requests.exceptions.ConnectionError("no replica lives")
        for _ in range(20):
            living = self.replicas.living
            if not living:
                raise error
            self.url = living[next(self._turns) % len(living)].url
            try:
                return super().call(method, path, params, **settings)
            except requests.exceptions.ConnectionError as failure:
                error = failure
        raise error

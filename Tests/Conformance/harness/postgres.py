"""A PostgreSQL server for the session, in a folder of its own, run as an unprivileged user."""

import glob
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile

from .ports import free_port
from .programs import Program


class Postgres:
    """Starts the newest server that Debian's packages installed, on a free loopback port."""

    def __init__(self):
        places = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
        assert places, "PostgreSQL's server programs are missing: install the package postgresql"
        self.user = "postgres" if os.getuid() == 0 else None
        self.folder = tempfile.mkdtemp(prefix="conformance-postgres-")
        identity = {}
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            identity = {"user": self.user, "group": account.pw_gid, "extra_groups": []}
        self._identity = identity
        self._bin = places[-1]
        data = self._data = os.path.join(self.folder, "data")
        subprocess.run(
            [f"{self._bin}/initdb", "-D", data, "-U", "scaleodm", "--auth=trust", "--no-sync", "--encoding=UTF8",
             "--locale=C"],
            check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **identity)
        self.port = free_port()
        self._numbers = itertools.count(1)
        self.start()

    def start(self):
        self.server = Program(
            "postgres",
            [f"{self._bin}/postgres", "-D", self._data, "-k", self.folder, "-h", "127.0.0.1", "-p", self.port,
             "-c", "fsync=off", "-c", "max_connections=200"],
            cwd=self.folder, user=self.user)
        self.server.wait_for_line("ready to accept connections")

    def stop(self):
        """A fast shutdown: every connection is ended."""
        self.server.signal(2)
        self.server._expected_to_end = True
        self.server.process.wait(30)
        self.server.stop()

    def ask(self, url, statement):
        """The lines that a statement gives, columns separated by `|`."""
        done = subprocess.run(
            [f"{self._bin}/psql", url, "-X", "-A", "-t", "-c", statement],
            check=True, cwd="/", capture_output=True, text=True, timeout=30)
        return done.stdout.splitlines()

    def database(self):
        """The URL of a new, empty database."""
        name = f"gateway{next(self._numbers)}"
        subprocess.run(
            [f"{self._bin}/createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "scaleodm", name],
            check=True, cwd="/", **self._identity)
        return f"postgresql://scaleodm@127.0.0.1:{self.port}/{name}"

    def close(self):
        self.server.signal(2)  # SIGINT: a fast shutdown.
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

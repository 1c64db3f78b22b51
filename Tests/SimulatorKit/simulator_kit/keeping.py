"""What a simulated service keeps in its database: objects that outlive a kill of the program."""

from __future__ import annotations

import pathlib
import sqlite3
import threading


class Keeping:
    """Objects by key. A change that was made is still there after kill -9; a power cut isn't simulated."""

    def __init__(self, path: pathlib.Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL)")

    def put(self, key: str, value: bytes) -> None:
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

    def delete(self, key: str) -> None:
        with self._lock:
            self._database.execute("DELETE FROM kept WHERE key = ?", (key,))

    def all(self) -> list[bytes]:
        """In the order in which they were last changed."""
        with self._lock:
            return [value for (value,) in self._database.execute("SELECT value FROM kept ORDER BY rowid")]

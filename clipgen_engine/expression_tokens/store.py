"""Learned tokens on disk, each committed as it is made: hours of work survive a cancel, a crash and a kill."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import numpy as np

from clipgen_engine.closing import Closing
from clipgen_engine.files import private_file, private_folder
from clipgen_engine.types import Float32Array, Int64Array

_log = logging.getLogger(__name__)
_TABLE = "CREATE TABLE IF NOT EXISTS token (row INTEGER PRIMARY KEY, value BLOB NOT NULL)"


class TokenStore(Closing):
    """Tokens by the number of their face. Where the file cannot be written, a log line says so and work goes on.

    Used from one thread; another process may use the same file.
    """

    def __init__(self, path: Path) -> None:
        """Args:
        path: an SQLite file, made with its folder where there is none; a damaged one is made anew.
        """
        self._path = path
        self._database: sqlite3.Connection | None = None
        try:
            private_folder(path.parent)
            private_file(path)
            self._database = self._opened()
        except sqlite3.DatabaseError as error:
            _log.warning("The stored tokens %s are damaged (%s) and are made anew", path, error)
            try:
                path.unlink(missing_ok=True)
                self._database = self._opened()
            except (OSError, sqlite3.Error) as again:
                self._give_up(again)
        except OSError as error:
            self._give_up(error)

    def load(self, width: int) -> tuple[Int64Array, Float32Array]:
        """Numbers (K,) int64 and tokens (K, width) float32 of all faces that are stored."""
        rows: list[int] = []
        values: list[bytes] = []
        if self._database is not None:
            try:
                found = self._database.execute("SELECT row, value FROM token WHERE length(value) = ?", (4 * width,))
                for row, value in found:
                    rows.append(row)
                    values.append(value)
            except sqlite3.Error as error:
                self._give_up(error)
        return np.array(rows, np.int64), np.frombuffer(b"".join(values), "<f4").reshape(len(rows), width)

    def add(self, rows: Int64Array, values: Float32Array) -> None:
        """Keep tokens (K, width) of faces (K,); they are on disk when this returns."""
        if self._database is None:
            return
        content = [(int(row), value.astype("<f4").tobytes()) for row, value in zip(rows, values, strict=True)]
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO token VALUES (?, ?)", content)
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=10)
        try:
            database.execute("PRAGMA journal_mode = PERSIST")  # the journal stays: no file comes and goes in the cache
            with database:
                database.execute(_TABLE)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _give_up(self, error: Exception) -> None:
        _log.warning("The tokens are not kept for the next time: %s", error)
        self.close()

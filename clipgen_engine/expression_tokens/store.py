"""Learned tokens on disk, committed batch by batch, so that no work is lost on cancel, crash or kill."""

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
    """Tokens by face row. Errors are logged as warnings and disable the store.

    Not thread-safe; several processes may use the same file.
    """

    def __init__(self, path: Path) -> None:
        """
        Args:
            path: SQLite file; created, with its folder, if missing, and recreated if damaged.
        """
        self._path = path
        self._database: sqlite3.Connection | None = None
        try:
            private_folder(path.parent)
            private_file(path)
            self._database = self._opened()
        except sqlite3.DatabaseError as error:
            _log.warning("The stored tokens %s are damaged (%s) and will be computed again", path, error)
            try:
                path.unlink(missing_ok=True)
                self._database = self._opened()
            except (OSError, sqlite3.Error) as again:
                self._disable(again)
        except OSError as error:
            self._disable(error)

    def load(self, width: int) -> tuple[Int64Array, Float32Array]:
        """Return rows (K,) int64 and tokens (K, width) float32 of all stored faces."""
        rows: list[int] = []
        values: list[bytes] = []
        if self._database is not None:
            try:
                found = self._database.execute("SELECT row, value FROM token WHERE length(value) = ?", (4 * width,))
                for row, value in found:
                    rows.append(row)
                    values.append(value)
            except sqlite3.Error as error:
                self._disable(error)
        return np.array(rows, np.int64), np.frombuffer(b"".join(values), "<f4").reshape(len(rows), width)

    def add(self, rows: Int64Array, values: Float32Array) -> None:
        """Store tokens (K, width) of face rows (K,), committed on return."""
        if self._database is None:
            return
        content = [(int(row), value.astype("<f4").tobytes()) for row, value in zip(rows, values, strict=True)]
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO token VALUES (?, ?)", content)
        except sqlite3.Error as error:
            self._disable(error)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=10)
        try:
            database.execute("PRAGMA journal_mode = PERSIST")  # keep the journal file between transactions
            with database:
                database.execute(_TABLE)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _disable(self, error: Exception) -> None:
        _log.warning("The tokens are not cached: %s", error)
        self.close()

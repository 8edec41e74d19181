"""The table of training jobs in SQLite, the only source of the state of a job.

Several apps may open the same file; every change is one transaction. Order comes from counters, not from the clock.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.training.jobs.schema import AS_JSON, STATES, JobState, OwnerRequest, Row, open_or_reset, row_of

SETTLED: Mapping[str, Any] = {
    "wish": None, "pid": None, "pid_start": None, "place": None, "error": None, "error_values": {},
}  # fmt: skip


class Store:
    """Access to the table; safe to use from many threads and processes."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._connection, self.was_reset = open_or_reset(path)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Hold a write transaction, which an exception rolls back."""
        with self._lock:
            if self._connection.in_transaction:  # part of a larger change
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, where: str = "1", *values: Any) -> list[Row]:
        """Return the jobs that fulfil an SQL condition, oldest first."""
        with self._lock:
            found = self._connection.execute(f"SELECT * FROM jobs WHERE {where} ORDER BY number", values).fetchall()
        return [row_of(one) for one in found]

    def states(self, where: str = "1", *values: Any) -> list[tuple[str, JobState]]:
        """Return id and state of the jobs that fulfil an SQL condition, oldest first; nothing else of them is read."""
        with self._lock:
            found = self._connection.execute(
                f"SELECT id, state FROM jobs WHERE {where} ORDER BY number", values
            ).fetchall()
        return [(one["id"], one["state"]) for one in found]

    def row(self, job_id: str) -> Row | None:
        """Return one job, None if there is none of this id."""
        found = self.rows("id = ?", job_id)
        return found[0] if found else None

    def add(self, **values: Any) -> Row:
        """Insert a new job at the end of the queue and return it."""
        with self.change() as connection:
            values |= {"state": "queued", "created": self.clock(), "place": _count(connection, "place")}
            _insert(connection, values)
        return self._existing_row(values["id"])

    def add_settled(self, **values: Any) -> None:
        """Insert a job of an earlier database, created and finished now if it does not say when."""
        with self.change() as connection:
            _insert(connection, {"created": self.clock(), "finished": self.clock(), **values})

    def update(self, job_id: str, only: Sequence[JobState] = STATES, **values: Any) -> bool:
        """Change a job if it is in one of the given states; return whether it was."""
        names = ", ".join(f"{name} = ?" for name in values)
        marks = ", ".join("?" * len(only))
        with self.change() as connection:
            cursor = connection.execute(
                f"UPDATE jobs SET {names} WHERE id = ? AND state IN ({marks})", (*_plain(values), job_id, *only)
            )
            return cursor.rowcount > 0

    def requeue(self, job_id: str, only: Sequence[JobState], **values: Any) -> bool:
        """Put a job at the end of the queue if it is in one of the given states; return whether it was."""
        with self.change() as connection:
            values["place"] = _count(connection, "place")
            return self.update(job_id, only, **{**SETTLED, **values, "state": "queued", "finished": None})

    def finish(self, job_id: str, wish: OwnerRequest | None, state: JobState, **values: Any) -> bool:
        """Settle a running job if its owner's request is still `wish`; return whether it was."""
        with self.change():
            row = self.row(job_id)
            if row is None or row.state != "running" or row.wish != wish:
                return False
            if state == "queued":
                return self.requeue(job_id, ("running",), **values)
            finished = max(self.clock(), row.started or row.created)
            return self.update(job_id, ("running",), **{**SETTLED, **values, "state": state, "finished": finished})

    def request_requeue(self, job_id: str) -> None:
        """Request that a job that is being paused or stopped is queued again."""
        with self.change() as connection:
            connection.execute(
                "UPDATE jobs SET wish = 'requeue' WHERE id = ? AND state = 'running' AND wish IN ('pause', 'stop')",
                (job_id,),
            )

    def take_next(self, elsewhere: bool = False) -> Row | None:
        """Mark the next local or remote job as running and return it; visitors take turns."""
        if self._next(elsewhere) is None:  # called often: without a write lock if the queue is empty
            return None
        with self.change() as connection:
            found = self._next(elsewhere)
            if found is None:
                return None
            row, served = row_of(found), _count(connection, "served")
            connection.execute("REPLACE INTO owners VALUES (?, ?)", (row.owner, served))
            started = max(self.clock(), row.created)
            connection.execute(
                "UPDATE jobs SET state = 'running', started = COALESCE(started, ?), beat = ?, wish = NULL, "
                "pid = NULL, pid_start = NULL WHERE id = ?",
                (started, started, row.id),
            )
        return self._existing_row(row.id)

    def _next(self, elsewhere: bool) -> sqlite3.Row | None:
        with self._lock:
            return self._connection.execute(
                "SELECT jobs.* FROM jobs LEFT JOIN owners USING (owner) WHERE state = 'queued' AND elsewhere = ? "
                "ORDER BY COALESCE(served, 0), place LIMIT 1",
                (int(elsewhere),),
            ).fetchone()

    def queue(self) -> list[str]:
        """Return the ids of the queued local jobs in the order of their start."""
        with self._lock:
            waiting = self._connection.execute(
                "SELECT id, owner, COALESCE(served, 0) AS served FROM jobs LEFT JOIN owners USING (owner) "
                "WHERE state = 'queued' AND NOT elsewhere ORDER BY place"
            ).fetchall()
        turns = {row["owner"]: row["served"] for row in waiting}
        left = [(row["id"], row["owner"]) for row in waiting]
        order: list[str] = []
        while left:
            turn = min(range(len(left)), key=lambda i: (turns[left[i][1]], i))
            job_id, owner = left.pop(turn)
            turns[owner] = max(turns.values()) + 1
            order.append(job_id)
        return order

    def remove(self, job_id: str) -> None:
        """Remove a job."""
        with self.change() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def remember_estimate(self, key: str, value: Mapping[str, Any]) -> None:
        """Store a measurement."""
        with self.change() as connection:
            connection.execute("REPLACE INTO estimates VALUES (?, ?)", (key, json.dumps(value)))

    def estimate(self, key: str) -> dict[str, Any] | None:
        """Return a stored measurement, if any."""
        with self._lock:
            found = self._connection.execute("SELECT value FROM estimates WHERE key = ?", (key,)).fetchone()
        return None if found is None else json.loads(found["value"])

    def notices(self) -> dict[str, dict[str, Any]]:
        """Return the notices about the store: code -> values."""
        with self._lock:
            found = self._connection.execute("SELECT code, details FROM notices").fetchall()
        return {row["code"]: json.loads(row["details"]) for row in found}

    def _existing_row(self, job_id: str) -> Row:
        row = self.row(job_id)
        if row is None:
            raise KeyError(job_id)
        return row


def _plain(values: Mapping[str, Any]) -> list[Any]:
    return [json.dumps(value) if name in AS_JSON else value for name, value in values.items()]


def _insert(connection: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})", _plain(values))


def _count(connection: sqlite3.Connection, name: str) -> int:
    """Return the next number of a counter, from 1."""
    connection.execute("INSERT OR IGNORE INTO counters VALUES (?, 0)", (name,))
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = ?", (name,))
    return int(connection.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0])

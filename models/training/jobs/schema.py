"""The schema of the job database, and opening or resetting its file."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

log = logging.getLogger(__name__)

JobState = Literal["queued", "running", "paused", "interrupted", "stopped", "failed", "done"]
OwnerRequest = Literal["pause", "stop", "delete", "requeue"]
"""A pending request of the owner of a running job."""

STATES: tuple[JobState, ...] = get_args(JobState)
ENDED: tuple[JobState, ...] = ("paused", "interrupted", "stopped", "failed", "done")

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    recipe TEXT NOT NULL,
    config TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start TEXT,
    init TEXT,
    state TEXT NOT NULL,
    wish TEXT,
    step INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    spent REAL NOT NULL DEFAULT 0,
    place INTEGER,
    pid INTEGER,
    pid_start TEXT,
    elsewhere INTEGER NOT NULL DEFAULT 0,
    beat REAL,
    error TEXT,
    error_values TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS estimates (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notices (code TEXT PRIMARY KEY, details TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Row:
    """A row of the table `jobs`; times in Unix seconds, `spent` in seconds of running.

    `elsewhere` is 1 for a remote job, whose backend is in its app's memory only.
    """

    number: int
    id: str
    owner: str
    title: str
    recipe: str
    config: Mapping[str, Any]
    dataset: str
    start: str | None
    init: str | None
    state: JobState
    wish: OwnerRequest | None
    step: int
    total: int
    created: float
    started: float | None
    finished: float | None
    spent: float
    place: int | None
    pid: int | None
    pid_start: str | None
    elsewhere: int
    beat: float | None
    error: str | None
    error_values: Mapping[str, Any]


COLUMNS = tuple(spec.name for spec in fields(Row))
AS_JSON = ("config", "error_values")


def open_or_reset(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Return a connection, and whether the database was reset because it could not be read.

    The unreadable file is renamed, and the new database holds a notice of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path), False
    except sqlite3.OperationalError:
        raise  # of the disk or a lock, not of the content
    except sqlite3.DatabaseError as error:
        kept = _set_aside(path)
        log.warning("%s cannot be read (%s); it is kept as %s and a new one begun.", path, error, kept)
    connection = _open(path)
    with connection:
        connection.execute("REPLACE INTO notices VALUES ('store_reset', ?)", (json.dumps({"kept": kept}),))
    return connection, True


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        found = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
        if found and found != set(COLUMNS):
            raise sqlite3.DatabaseError("its table of jobs has other columns")
        connection.executescript(SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _set_aside(path: Path) -> str:
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.replace(path, kept)
    for suffix in ("-wal", "-shm"):  # of the damaged file; the new one must not read them
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            os.replace(beside, kept.with_name(kept.name + suffix))
    return kept.name


def row_of(found: sqlite3.Row) -> Row:
    """Return a job from its row of the table."""
    values = {name: found[name] for name in COLUMNS}
    return Row(**{**values, **{name: json.loads(values[name]) for name in AS_JSON}})

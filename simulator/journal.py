"""The journal: every change as a line of JSON, rewritten as a whole when most of its lines are old."""

import fcntl
import os
from pathlib import Path

import orjson

from simulator.kinds import BY_NAME, STORED, Kind, Object
from simulator.store import Store, Stored

COMPACT = 16 * 1024 * 1024
"""Bytes beyond twice the size of the last whole writing after which the journal is written anew."""


class JournalError(Exception):
    """The folder cannot be used; the message says why in one sentence."""


class Journal:
    """Objects that outlive the process: an append-only file in a folder of its own.

    A line is written to the operating system before the request that made it is answered, so that a killed process
    loses nothing; a line that was cut off at the end of the file is left out when it is read again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
        self._folder = folder
        self._path = folder / "objects.jsonl"
        self._file = -1
        self._size = 0
        self._whole = 0
        self._store: Store | None = None

    def load(self, store: Store) -> None:
        """Reads the objects into an empty store and begins to write.

        Raises JournalError where another process writes, or where the file is not one of this version.
        """
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(f"{self._folder} is in use by another simulator") from None
        try:
            self._read(store)
        except (ValueError, KeyError, TypeError):
            raise JournalError(f"{self._path} is damaged, or of another version: remove it to begin anew") from None
        store.compact()
        self._store = store
        self._rewrite()

    def _read(self, store: Store) -> None:
        rows: dict[tuple[str, str, str], bytes] = {}
        version, good = store.version, 0
        if self._path.exists():
            with self._path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    good += len(line)
                    mark, _, raw = line.partition(b" ")
                    if mark == b"+":
                        obj: Object = orjson.loads(raw)
                        meta = obj["metadata"]
                        rows[obj["kind"], meta.get("namespace", ""), meta["name"]] = raw.rstrip(b"\n")
                        version = max(version, int(meta["resourceVersion"]))
                    else:
                        kind, namespace, name, gone = orjson.loads(raw)
                        rows.pop((kind, namespace, name), None)
                        version = max(version, gone)
        for (name, _, _), raw in rows.items():
            store.load(BY_NAME[name], orjson.loads(raw), raw)
        store.version = version

    def _rewrite(self) -> None:
        """Writes every object once, beside the old file, and puts it in its place."""
        if self._store is None:
            return
        if self._file >= 0:
            os.close(self._file)
        new = self._path.with_suffix(".new")
        private = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # there are secrets in it
        with os.fdopen(private, "wb") as file:
            mark = orjson.dumps(["", "", "", self._store.version])
            file.write(b"- " + mark + b"\n")
            for kind in STORED:
                for row in self._store.select(kind):
                    file.write(b"+ " + row.raw + b"\n")
            file.flush()
            os.fsync(file.fileno())
            self._whole = self._size = file.tell()
        new.replace(self._path)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def _write(self, line: bytes) -> None:
        if self._file < 0:
            return
        os.write(self._file, line)
        self._size += len(line)
        if self._size > 2 * self._whole + COMPACT:
            self._rewrite()

    def put(self, kind: Kind, new: Stored) -> None:
        self._write(b"+ " + new.raw + b"\n")

    def remove(self, kind: Kind, namespace: str, name: str, version: int) -> None:
        self._write(b"- " + orjson.dumps([kind.name, namespace, name, version]) + b"\n")

    def close(self) -> None:
        """Ends the writing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        os.close(self._lock)

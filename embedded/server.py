"""What an embedded server needs besides its own program: a lock, a socket folder, a start, an end."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from embedded import child

SOCKET_PATH_LIMIT = 107
"""Bytes of a unix socket's path, without the closing zero (unix(7))."""


class ServerError(Exception):
    """A server could not be started; the message is one sentence for the person who started it."""


@dataclass(frozen=True, slots=True)
class User:
    """The system user that a server runs as, when it must not be ours."""

    uid: int
    gid: int
    keep: bool
    """May it walk through folders that are closed to it?"""


def own_folder(folder: Path, user: User | None = None) -> None:
    """Make a folder that its user alone may enter (and root).

    Raises:
        ServerError: it is another user's, or a part of its path is.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if user:
            os.chown(folder, user.uid, user.gid)
    except PermissionError:
        raise ServerError(f"{folder} belongs to another user: start as that user, or remove it.") from None


def start_child(
    program: Sequence[str],
    *,
    end: signal.Signals = signal.SIGKILL,
    user: User | None = None,
    log: int | None = None,
    fds: Sequence[int] = (),
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that gets signal `end` when the calling THREAD ends: call it from the main thread.

    The child is the leader of its own session, so a Ctrl-C in the terminal reaches the parent alone, which then ends
    its children in the right order. `log` receives what it prints.
    """
    who = f"{user.uid}:{user.gid}" if user else ""
    keep = "keep" if user and user.keep else ""
    launch = [sys.executable, "-I", "-S", child.__file__, str(os.getpid()), str(int(end)), who, keep]
    return subprocess.Popen(
        [*launch, *program],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log is not None else None,
        pass_fds=tuple(fds),
        start_new_session=True,
        cwd=folder,
        env=environment,
    )


def end_child(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> int:
    """Send each signal and wait its seconds until the process has ended, then SIGKILL; returns the exit status."""
    for number, seconds in steps:
        if process.poll() is not None:
            return process.returncode
        process.send_signal(number)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    return process.wait()


def hold(path: Path, seconds: float) -> int:
    """Lock a file for the one server of a folder and return its descriptor, to be passed on to that server.

    The lock lives as long as any process holds the descriptor: exactly as long as the server, whatever happened to
    whoever started it. A server whose parent was killed needs a moment to end, so the lock is waited for.

    Raises:
        ServerError: another server still holds it after `seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise ServerError(f"{path.parent} is in use by another running server; stop that one first.") from None
            time.sleep(0.02)
        else:
            return descriptor


@dataclass(slots=True)
class SocketFolder:
    """A folder for a socket, under a path that fits into a socket's address however deep the folder lies.

    Where the path is too long, the processes of this user reach it through this process' open descriptor
    (`/proc/<pid>/fd/<n>/name`), and the server through its own inherited copy.
    """

    folder: Path
    name: str
    descriptor: int | None = field(default=None, init=False)

    def open(self, user: User | None = None) -> None:
        """Make the folder, mode 0700."""
        own_folder(self.folder, user)
        if len(os.fsencode(self.folder / self.name)) > SOCKET_PATH_LIMIT:
            self.descriptor = os.open(self.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the descriptor, if there is one."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    @property
    def fds(self) -> tuple[int, ...]:
        """What the server has to inherit."""
        return () if self.descriptor is None else (self.descriptor,)

    @property
    def for_server(self) -> str:
        """The folder as the server names it."""
        return str(self.folder) if self.descriptor is None else f"/proc/self/fd/{self.descriptor}"

    @property
    def for_clients(self) -> str:
        """The folder as this process and every other process of its user name it."""
        return str(self.folder) if self.descriptor is None else f"/proc/{os.getpid()}/fd/{self.descriptor}"


def last_words(log: Path, words: Sequence[str]) -> str:
    """The last line of a log that holds one of the words, without its prefix; or the last line."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines if any(word in line for word in words)] or lines[-1:]
    return telling[-1].strip() if telling else "it printed nothing"

"""The embedded servers start, keep their data, end with their parent, and say clearly when they cannot start."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from embedded import Postgres, ServerError, Valkey
from embedded.server import SOCKET_PATH_LIMIT, SocketFolder, User, start_child
from tests.kit.processes import WITHIN, family, wait_until_ended

ROOT = Path(__file__).parents[2]
NOBODY = 65534
CAP_DAC_OVERRIDE = 1 << 1

PARENT = """
import sys
from pathlib import Path
from embedded import Postgres, Valkey
folder = Path(sys.argv[1])
postgres, valkey = Postgres(folder / "postgres", fast=True), Valkey(folder / "valkey", fast=True)
postgres.start(), valkey.start()
print(postgres.pid, valkey.pid, flush=True)
sys.stdin.read()
"""


def fetch(url: str, statement: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def can_enter(path: Path) -> bool:
    """Whether any user may walk to a path."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    made = Postgres(folder / "postgres", fast=True)
    yield made
    made.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_is_left_when_the_parent_is_ended(folder: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, folder], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout
    assert parent.stdin
    with parent.stdout, parent.stdin:
        pids = [one for pid in parent.stdout.readline().split() for one in family(int(pid))]
        assert len(pids) > 5
        parent.send_signal(number)
        parent.wait(WITHIN)
    wait_until_ended(pids)


def test_the_data_is_there_after_a_stop_and_a_start(server: Postgres) -> None:
    fetch(server.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    assert fetch(server.start(), "SELECT number FROM kept") == 7


def test_valkey_keeps_what_it_was_given(folder: Path) -> None:
    server = Valkey(folder / "valkey")
    with Redis.from_url(server.start()) as client:
        client.set("kept", "7")
    server.stop()
    try:
        with Redis.from_url(server.start()) as client:
            assert client.get("kept") == b"7"
    finally:
        server.stop()


def test_postgres_listens_on_a_socket_that_others_cannot_reach_and_on_no_port(server: Postgres) -> None:
    assert fetch(server.start(), "SELECT current_setting('listen_addresses')") == ""
    assert (server.folder / "run").stat().st_mode & 0o777 == 0o700


def test_valkey_listens_on_no_port(folder: Path) -> None:
    server = Valkey(folder / "valkey", fast=True)
    try:
        with Redis.from_url(server.start()) as client:
            assert client.config_get("port") == {"port": "0"}
        assert (folder / "valkey" / "run").stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()


def test_a_folder_too_deep_for_a_socket_address_works(folder: Path) -> None:
    deep = folder / ("a" * 100) / "b"
    deep.mkdir(parents=True)
    postgres, valkey = Postgres(deep / "postgres", fast=True), Valkey(deep / "valkey", fast=True)
    try:
        assert fetch(postgres.start(), "SELECT 1") == 1
        with Redis.from_url(valkey.start()) as client:
            assert client.ping() is True
    finally:
        valkey.stop()
        postgres.stop()


def test_a_socket_address_is_short_enough_where_it_is_used_as_it_is(folder: Path) -> None:
    room = SOCKET_PATH_LIMIT - len(os.fsencode(folder)) - len("//s")
    fits, too_long = SocketFolder(folder / ("x" * room), "s"), SocketFolder(folder / ("x" * (room + 1)), "s")
    for one in (fits, too_long):
        one.open()
    try:
        assert fits.for_clients == str(fits.folder)
        assert too_long.for_clients == f"/proc/{os.getpid()}/fd/{too_long.descriptor}"
    finally:
        too_long.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is another user than the server")
def test_under_root_the_server_is_nobody_even_below_a_closed_folder(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "postgres", fast=True)
    try:
        assert fetch(server.start(), "SELECT 1") == 1
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "Uid:\t65534\t65534\t65534\t65534" in status
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0
    finally:
        server.stop()


def said_as_nobody(folder: Path, program: list[str], *, keep: bool) -> str:
    """What a program prints that was started as another user, with or without the right to walk anywhere."""
    log = folder / "log"
    with log.open("wb") as output:
        start_child(program, user=User(NOBODY, NOBODY, keep=keep), log=output.fileno()).wait()
    return log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
@pytest.mark.parametrize(("keep", "capabilities"), [(True, CAP_DAC_OVERRIDE), (False, 0)])
def test_a_server_of_another_user_has_the_one_right_that_it_needs_or_none(
    folder: Path, keep: bool, capabilities: int
) -> None:
    said = said_as_nobody(folder, ["/bin/grep", "CapEff", "/proc/self/status"], keep=keep)
    assert said == f"CapEff:\t{capabilities:016x}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_access_2_counts_that_right_because_initdb_asks_it_for_its_server(folder: Path) -> None:
    program = folder / "closed" / "program"
    program.parent.mkdir(mode=0o700)
    program.touch(0o755)
    ask = f"import os; print(os.access({str(program)!r}, os.X_OK))"
    assert said_as_nobody(folder, [sys.executable, "-I", "-c", ask], keep=True) == "True\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_another_user_than_root_runs_the_servers_as_itself() -> None:
    packages = Path(asyncpg.__file__).parents[1]
    python = next((path for path in (sys.executable, "/usr/bin/python3") if can_enter(Path(path).resolve())), None)
    if python is None or not can_enter(packages) or not can_enter(ROOT):
        pytest.skip("Python or the checkout lies in a folder that other users cannot enter")
    with tempfile.TemporaryDirectory() as own:
        os.chown(own, NOBODY, NOBODY)
        environment = {"PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
        parent = subprocess.Popen(
            [python, "-c", PARENT, own], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=environment, user=NOBODY, group=NOBODY, extra_groups=[],
        )  # fmt: skip
        assert parent.stdout
        assert parent.stdin
        with parent.stdout, parent.stdin:
            pids = [int(pid) for pid in parent.stdout.readline().split()]
            assert len(pids) == 2
            assert [Path(f"/proc/{pid}").stat().st_uid for pid in pids] == [NOBODY, NOBODY]
            parent.kill()
            parent.wait(WITHIN)
        wait_until_ended(pids)


def test_a_folder_of_another_version_is_refused_in_one_sentence(server: Postgres) -> None:
    data = server.folder / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServerError) as refusal:
        server.start()
    assert str(refusal.value) == (
        f"{data} was made by PostgreSQL 14, and this is PostgreSQL 18: "
        "move the folder away to start afresh, or dump it with version 14 first."
    )


def test_a_folder_that_is_no_data_folder_is_refused(server: Postgres) -> None:
    (server.folder / "data").mkdir(parents=True)
    with pytest.raises(ServerError, match="is not a PostgreSQL data folder; move it away and start again"):
        server.start()


def test_a_broken_data_folder_is_refused_with_the_server_s_own_words(server: Postgres) -> None:
    server.start()
    server.stop()
    (server.folder / "data" / "global" / "pg_control").unlink()
    with pytest.raises(ServerError, match=r"^PostgreSQL did not start in .*pg_control"):
        server.start()


def test_a_folder_in_use_is_refused(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    server.start()
    monkeypatch.setattr("embedded.postgres.WAIT_FOR_PREDECESSOR", 0.0)
    with pytest.raises(ServerError) as refusal:
        Postgres(server.folder, fast=True).start()
    assert str(refusal.value) == f"{server.folder} is in use by another running server; stop that one first."


def test_an_initdb_that_was_broken_off_is_begun_anew(server: Postgres) -> None:
    (server.folder / "data.new" / "half").mkdir(parents=True)
    assert fetch(server.start(), "SELECT 1") == 1


def test_a_server_is_started_after_it_was_killed(server: Postgres) -> None:
    server.start()
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    assert fetch(server.start(), "SELECT 1") == 1

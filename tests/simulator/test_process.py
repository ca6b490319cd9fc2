"""`python -m simulator`: it says where it listens, ends when told, and keeps what it has when it is killed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.simulator.client import TOKEN, config_map

MAPS = "/api/v1/namespaces/default/configmaps"


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, aiohttp.ClientSession]]:
    command = [sys.executable, "-m", "simulator", "--token", TOKEN, *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10):
            url = json.loads(await process.stdout.readline())["url"]
        async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            yield process, session
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(3):
        return await process.wait()


async def test_it_ends_at_once_on_sigterm_though_a_watch_is_open() -> None:
    async with running() as (process, session):
        watch = await session.get(f"{MAPS}?watch=1")
        await watch.content.readline()
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
        watch.close()


async def test_what_it_answered_survives_a_kill(data: Path) -> None:
    async with running("--data", str(data)) as (process, session):
        async with session.post(MAPS, json=config_map("kept")) as answer:
            made = await answer.json()
        process.kill()
        await ended(process)
    async with running("--data", str(data)) as (_, session), session.get(f"{MAPS}/kept") as answer:
        assert await answer.json() == made


async def test_it_ends_with_the_process_that_started_it() -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'simulator', '--die-with-parent'], stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline().decode(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdin=pipe, stdout=pipe)
    assert parent.stdout is not None
    async with asyncio.timeout(10):
        child = int((await parent.stdout.readline()).split()[0])
    watcher = os.pidfd_open(child)
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(watcher, gone.set)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(5):
        await gone.wait()
    asyncio.get_running_loop().remove_reader(watcher)
    os.close(watcher)


async def test_a_folder_in_use_or_damaged_is_one_clear_sentence(data: Path) -> None:
    async def refusal() -> str:
        command = [sys.executable, "-m", "simulator", "--data", str(data)]
        second = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await second.communicate()
        assert second.returncode == 1
        return said.decode().strip()

    async with running("--data", str(data)):
        assert await refusal() == f"{data} is in use by another simulator"
    journal = data / "objects.jsonl"
    journal.write_bytes(b"+ nonsense\n")
    assert await refusal() == f"{journal} is damaged, or of another version: remove it to begin anew"


async def test_a_busy_port_is_one_clear_sentence() -> None:
    async with running() as (_, session):
        assert session._base_url is not None
        port = str(session._base_url.port)
        command = [sys.executable, "-m", "simulator", "--port", port]
        second = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await second.communicate()
    assert second.returncode == 1
    assert said.decode().strip() == f"the simulator cannot listen on 127.0.0.1:{port}: Address already in use"

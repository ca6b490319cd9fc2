"""`python -m simulator`: one cluster as a process of its own."""

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from pathlib import Path

import orjson

from simulator.journal import JournalError
from simulator.simulator import Simulator
from simulator.state import Speeds

PR_SET_PDEATHSIG = 1


def _die_with_parent(parent: int) -> None:
    """Has the kernel end this process when its parent ends; exits if that has happened already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)


async def serve(options: argparse.Namespace) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    speeds = Speeds().scaled(options.pod_start)
    simulator = Simulator(
        options.token, speeds=speeds, data=Path(options.data) if options.data else None, host=options.host,
        port=options.port,
    )  # fmt: skip
    async with simulator:
        line = orjson.dumps({"url": simulator.url}) + b"\n"
        os.write(1 if options.ready_fd is None else options.ready_fd, line)
        if options.ready_fd is not None:
            os.close(options.ready_fd)
        await stop.wait()


def main() -> None:
    """Reads the command line and serves."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="simulator", description="A small Kubernetes over real HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=os.environ.get("SIMULATOR_TOKEN", ""), help="also SIMULATOR_TOKEN")
    parser.add_argument("--data", default="", help="folder of the journal; without it nothing is kept")
    parser.add_argument("--pod-start", type=float, default=0.3, help="seconds from a pod's creation to its start")
    parser.add_argument("--ready-fd", type=int, help="where to write the address; standard output by default")
    parser.add_argument("--die-with-parent", action="store_true")
    options = parser.parse_args()
    if options.die_with_parent:
        _die_with_parent(parent)
    try:
        asyncio.run(serve(options))
    except JournalError as failed:
        sys.exit(str(failed))
    except OSError as failed:
        sys.exit(f"the simulator cannot listen on {options.host}:{options.port}: {os.strerror(failed.errno or 0)}")


if __name__ == "__main__":
    main()

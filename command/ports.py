"""Ports of this machine."""

import socket
import time

from command.supervisor import StartError


def require_free(host: str, port: int, seconds: float = 2.0) -> None:
    """Make sure that a port can be listened on; one that a killed predecessor is about to give back is waited for.

    Raises:
        StartError: another program has it.
    """
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise StartError(
                        f"Port {port} of {host} cannot be used ({error.strerror}); "
                        f"choose another one: BERTH_PORT={port + 1} make demo"
                    ) from None
                time.sleep(0.05)
            else:
                return


def free(host: str) -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])

"""`python -m tests.machine [--fake-nodes=N] [COMMAND...]`: a real cluster for the length of a command.

The command finds it in BERTH_TEST_KUBECONFIG (with fake nodes, another one in BERTH_TEST_SECOND_KUBECONFIG), and asks
for the restart of its parts through BERTH_TEST_MACHINE (see control.py). Without a command it waits for Ctrl-C.
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.machine.binaries import MachineError
from tests.machine.control import Control
from tests.machine.machine import Machine

_FAKE_NODES = "--fake-nodes="


def main(arguments: list[str]) -> int:
    """The command's exit status; 2 when the machine cannot be started."""
    fake_nodes = 0
    if arguments and arguments[0].startswith(_FAKE_NODES):
        fake_nodes = int(arguments.pop(0).removeprefix(_FAKE_NODES))
    folder = Path(tempfile.mkdtemp(prefix="berth-test-"))
    machine: Machine | None = None
    try:
        machine = Machine(folder, fake_nodes)
        began = time.monotonic()
        machine.start()
        sys.stderr.write(f"The cluster is ready after {time.monotonic() - began:.1f} s.\n")
        return _beside(machine, arguments)
    except MachineError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    finally:
        if machine is not None:
            machine.stop()
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def _beside(machine: Machine, command: list[str]) -> int:
    control = Control(machine.folder / "control.sock", machine)
    environment = machine.environment(control.socket)
    if not command:
        told = {name: value for name, value in environment.items() if name.startswith("BERTH_TEST_")}
        sys.stdout.writelines(f"{name}={value}\n" for name, value in told.items())
        sys.stdout.write(f"nsenter --net=/run/netns/{machine.space.name}\n")
        sys.stdout.flush()
        command = ["/bin/sleep", "infinity"]
    child = subprocess.Popen(machine.space.inside(command), env=environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: child.terminate())
    return control.serve(child)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

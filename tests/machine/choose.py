"""`python -m tests.machine.choose COMMAND...`: the command beside KUBECONFIG's cluster, or a machine of its own."""

import os
import sys

FAKE_NODES = 5


def main(command: list[str]) -> None:
    """Becomes the command, or the machine that runs it."""
    given = os.environ.pop("KUBECONFIG", "")
    if given:
        os.environ["BERTH_TEST_KUBECONFIG"] = given
    else:
        command = [sys.executable, "-m", "tests.machine", f"--fake-nodes={FAKE_NODES}", *command]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])

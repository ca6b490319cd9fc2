"""`python -m tests.chaos [--seed N] [--minutes M] [--instances N]`: prints its figures, and what was not as it must be.

Callers create, deploy, upgrade, scale, cancel and delete instances, and abort mutations in flight, while workers, APIs,
servers and the cluster are killed, stopped and cut off at random. Then all comes back, the callers stop, and when
every task has ended the database is held against the cluster. The exit status is 1 when anything is not true.
"""

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.callers import Callers
from tests.chaos.stack import Stack
from tests.chaos.troubles import Troubles
from tests.chaos.verdict import Verdict
from tests.kit.site import HASTY, Site

WORKERS = 3


def main() -> int:
    """Runs it; the exit status."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--instances", type=int, default=50)
    options = parser.parse_args()
    say(f"seed {options.seed}, {options.minutes:g} minutes, {options.instances} instances")
    chance = random.Random(options.seed)
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="berth-chaos-", ignore_cleanup_errors=True))
        site = opened.enter_context(Site(Path(folder), settings=HASTY, durable=True))
        for _ in range(WORKERS - 1):
            site.another_worker()
        return _run(site, chance, options.minutes, options.instances)


def _run(site: Site, chance: random.Random, minutes: float, instances: int) -> int:
    stack = Stack(site)
    callers = Callers(site, stack, chance, instances)
    troubles = Troubles(site, stack, callers, chance)
    until = time.monotonic() + 60 * minutes
    callers.start()
    while time.monotonic() < until:
        troubles.one_more()
        time.sleep(chance.uniform(0.5, 4.0))
    troubles.end()
    callers.stop()
    verdict = Verdict(site)
    wrong = verdict.when_quiet()
    say(*troubles.told(), *callers.told(), *verdict.told())
    wrong += verdict.when_all_is_deleted()
    say(*(f"NOT TRUE: {one}" for one in wrong))
    say(f"{len(wrong)} of what must be true is not")
    return 1 if wrong else 0


def say(*lines: str) -> None:
    """Prints lines at once."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

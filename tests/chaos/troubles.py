"""What goes wrong: one thing after another at random, each back after a while, several at once."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from command.remote import RemoteError
from tests.chaos.callers import Callers
from tests.chaos.stack import Stack
from tests.kit.site import Site

Undo = Callable[[], None]


class Troubles:
    """`one_more` begins one and ends those whose time is over; `end` ends all. To be called from the main thread."""

    def __init__(self, site: Site, stack: Stack, callers: Callers, chance: random.Random) -> None:
        assert site.simulated is not None
        self._site, self._stack, self._callers, self._chance = site, stack, callers, chance
        self._cluster = site.simulated
        self._away: dict[str, tuple[float, Undo]] = {}
        self._counts: Counter[str] = Counter()
        self._kinds: dict[str, tuple[int, Callable[[], None]]] = {
            "worker killed": (6, self._kill_worker),
            "worker stopped past its lease": (3, self._stop_worker),
            "API killed": (2, self._kill_api),
            "Valkey emptied": (2, site.empty_valkey),
            "Valkey away": (2, self._valkey_away),
            "PostgreSQL away": (2, self._postgres_away),
            "cluster away": (3, self._cluster_away),
            "cluster answers with errors": (2, self._errors),
            "mutations aborted": (3, self._abort),
            "stack published": (1, self._publish),
        }

    def one_more(self) -> None:
        """Begins the next one, unless its part is away already."""
        self._end_due()
        weights = [weight for weight, _ in self._kinds.values()]
        (name,) = self._chance.choices(list(self._kinds), weights)
        if name in self._away or (name == "Valkey emptied" and "Valkey away" in self._away):
            return
        self._counts[name] += 1
        self._kinds[name][1]()

    def end(self) -> None:
        """Everything is back."""
        for _, undo in self._away.values():
            undo()
        self._away.clear()
        self._cluster.heal()
        self._site.berth.until_ready()

    def told(self) -> list[str]:
        return ["troubles: " + ", ".join(f"{name} {count}" for name, count in sorted(self._counts.items()))]

    def _end_due(self) -> None:
        for name, (until, undo) in list(self._away.items()):
            if time.monotonic() >= until:
                del self._away[name]
                undo()

    def _for(self, name: str, shortest: float, longest: float, undo: Undo) -> None:
        self._away[name] = (time.monotonic() + self._chance.uniform(shortest, longest), undo)

    def _worker(self) -> str | None:
        stopped = {name.partition(" is ")[0] for name in self._away}
        names = [name for name in self._site.berth.processes if name.startswith("worker") and name not in stopped]
        return self._chance.choice(names) if names else None

    def _kill_worker(self) -> None:
        name = self._worker()
        if name is not None:
            self._site.berth.kill(name)
            self._site.another_worker()

    def _stop_worker(self) -> None:
        name = self._worker()
        if name is None:
            return
        process = self._site.berth.processes[name]
        process.send_signal(signal.SIGSTOP)
        self._for(f"{name} is stopped", 1.5, 5.0, lambda: _go_on(process))

    def _kill_api(self) -> None:
        self._site.berth.kill("api")
        self._for("API killed", 0.0, 3.0, lambda: _ignored(self._site.berth.start("api")))

    def _valkey_away(self) -> None:
        self._site.valkey.stop()
        longest = 60.0 if self._counts["Valkey away"] == 1 else 8.0
        self._for("Valkey away", 1.0, longest, lambda: _ignored(self._site.valkey.start()))

    def _postgres_away(self) -> None:
        pid = self._site.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)  # it ends as in a crash, and recovers when it starts
        self._site.postgres.stop()
        self._for("PostgreSQL away", 0.0, 10.0, lambda: _ignored(self._site.postgres.start()))

    def _cluster_away(self) -> None:
        self._cluster.kill()
        self._for("cluster away", 0.0, 15.0, self._cluster.start)

    def _errors(self) -> None:
        if "cluster away" in self._away:
            return
        code = self._chance.choice([429, 500, 503, 504])
        self._cluster.ask("faults", fault="status", code=code, times=self._chance.randrange(1, 20), seconds=1.0)

    def _abort(self) -> None:
        for _ in range(10):
            self._callers.abort(6)

    def _publish(self) -> None:
        with suppress(RemoteError):
            self._stack.publish()


def _go_on(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)


def _ignored(_: object) -> None:
    """For what returns something that nobody needs."""

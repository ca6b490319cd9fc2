"""A log through everything at once: cut connections, new processes, faults of nodes; nothing twice or lost unmarked."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from live.logs import hub
from settings import settings
from tests.kit.sandbox import Sandbox
from tests.kit.waiting import until

LOGS = """subscription($id: ID!, $after: String) {
  instanceLogs(instanceId: $id, after: $after, tail: 5000) {
    is: __typename
    ... on LogSources { sources { index pod container containerId } }
    ... on LogBatch { cursor lines { source message } dropped { count } }
    ... on LogGap { source reason }
  }
}"""


@pytest.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Small batches, and a hub that is closed when the test ends."""
    monkeypatch.setenv("BERTH_LOG_FLUSH", "0.005")
    settings.cache_clear()
    yield
    await hub.close()
    monkeypatch.undo()
    settings.cache_clear()


class Reader:
    """One who comes back again and again, with the cursor that came last."""

    def __init__(self, sandbox: Sandbox, id: str) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.marked: set[tuple[str, int]] = set()
        """Runs and the last line of each that a gap stood behind."""
        self.gaps: list[str] = []
        self.after: str | None = None
        self._api, self._id = sandbox.api, id

    async def read(self, batches: int) -> None:
        """So many batches, and then the connection is cut."""
        runs: dict[int, str] = {}
        stream = self._api.follow(LOGS, id=self._id, after=self.after)
        async with aclosing(stream) as events:  # type: ignore[type-var]
            async for event in events:
                told = event["instanceLogs"]
                if told["is"] == "LogSources":
                    runs |= {each["index"]: each["containerId"] for each in told["sources"]}
                elif told["is"] == "LogGap":
                    self.gaps.append(told["reason"])
                    of = [runs[told["source"]]] if told["source"] is not None else list(self.numbers)
                    self.marked |= {(run, self.numbers.get(run, [0])[-1]) for run in of}
                elif told["is"] == "LogBatch":
                    self._take(told, runs)
                    batches -= 1
                    if batches <= 0:
                        return

    def _take(self, batch: dict[str, Any], runs: dict[int, str]) -> None:
        assert batch["dropped"] == []
        self.after = batch["cursor"]
        for line in batch["lines"]:
            if " line " in line["message"]:
                self.numbers.setdefault(runs[line["source"]], []).append(int(line["message"].split()[-1]))


@pytest.mark.parametrize("seed", [1, 2])
async def test_who_is_cut_a_hundred_times_in_a_storm_has_every_line_once(sandbox: Sandbox, seed: int) -> None:
    random = Random(seed)
    sandbox.simulator.behave(rate=300.0)
    reader = Reader(sandbox, await sandbox.create())
    for _ in range(100):
        await reader.read(random.randint(1, 4))
        match random.randrange(10):
            case 0 | 1:
                sandbox.simulator.cut(random.choice(["abort", "clean", "expired"]))
            case 2:
                await hub.close()  # as if another process went on
            case 3:
                sandbox.simulator.fault("text", path="*/log", times=1)
            case 4:
                sandbox.simulator.fault("status", path="*/log", times=2, code=random.choice([500, 503]))
            case 5:
                sandbox.simulator.compact()
    sandbox.simulator.clear_faults()
    await reader.read(3)
    assert reader.gaps == []
    assert len(reader.numbers) == 3
    for numbers in reader.numbers.values():
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("seed", [3, 4])
async def test_what_a_rotation_took_is_marked_where_it_is_missing(sandbox: Sandbox, seed: int) -> None:
    random = Random(seed)
    sandbox.simulator.behave(rate=300.0)
    reader = Reader(sandbox, await sandbox.create())
    for _ in range(50):
        await reader.read(random.randint(1, 4))
        match random.randrange(8):
            case 0:
                sandbox.simulator.cut(random.choice(["abort", "clean", "expired"]))
            case 1:
                await hub.close()
            case 2:
                sandbox.simulator.fault("text", path="*/log", times=1)
            case 3:
                sandbox.simulator.rotate()
            case 4:
                sandbox.simulator.rotate()
                sandbox.simulator.cut("abort")
            case 5:
                sandbox.simulator.cut("abort")
                sandbox.simulator.rotate()
                await hub.close()
    sandbox.simulator.clear_faults()
    await reader.read(3)
    assert set(reader.gaps) == {"ROTATION"}
    for run, numbers in reader.numbers.items():
        for before, after in pairwise([0, *numbers]):
            assert after == before + 1 or (after > before and (run, before) in reader.marked), (run, before, after)


async def test_no_reading_is_left_of_two_hundred_streams(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_LOG_LINGER", "0")
    settings.cache_clear()
    reader = Reader(sandbox, await sandbox.create())
    await reader.read(1)
    for _ in range(200):
        await reader.read(1)
        reader.after = None

    async def upstreams() -> int:
        return sum(room._taken for room in hub._rooms.values())

    await until(upstreams, 0)

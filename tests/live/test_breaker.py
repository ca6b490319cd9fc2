"""The breaker of a cluster: it opens after silences, lets one probe through at a time, and closes at any answer."""

import asyncio
from contextlib import suppress

import pytest

from kube import clients
from kube.clients import Cluster
from kube.errors import CircuitOpen, Forbidden, KubeError, ServerFault, Unreachable
from kube.kubeconfig import Access
from live.breaker import Breaker
from rules.enums import BreakerState
from tests.kit.impostors import silent

SILENCE = Unreachable("The cluster could not be reached: Connection refused.")


class Clock:
    """Seconds that a test counts."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def ask(breaker: Breaker, answer: KubeError | None = None) -> None:
    """One request and what comes of it."""
    with suppress(type(answer) if answer else Unreachable), breaker.passing():
        if answer is not None:
            raise answer


def is_refused(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except CircuitOpen:
        return True
    return False


def state(breaker: Breaker) -> BreakerState:
    return breaker.standing.state


def opened(breaker: Breaker) -> Breaker:
    for _ in range(3):
        ask(breaker, SILENCE)
    return breaker


def test_it_opens_at_the_third_silence_in_a_row(breaker: Breaker) -> None:
    for answer in (SILENCE, SILENCE, None, SILENCE, SILENCE):
        ask(breaker, answer)
        assert not is_refused(breaker)
    ask(breaker, SILENCE)
    assert is_refused(breaker)


@pytest.mark.parametrize("answer", [Forbidden("no"), ServerFault("broken")])
def test_a_refusal_and_a_fault_are_answers(breaker: Breaker, answer: KubeError) -> None:
    for reply in (SILENCE, SILENCE, answer, SILENCE, SILENCE):
        ask(breaker, reply)
    assert state(breaker) == BreakerState.CLOSED


def test_while_it_is_open_it_says_since_when_and_until_when(breaker: Breaker) -> None:
    ask(breaker, SILENCE)
    ask(breaker, SILENCE)
    ask(breaker, Unreachable("The last straw."))
    standing = breaker.standing
    with pytest.raises(CircuitOpen) as refused:
        breaker.check()
    assert (standing.state, standing.reason) == (BreakerState.OPEN, "The last straw.")
    assert standing.since is not None
    assert standing.next_try is not None
    assert refused.value.code == "CLUSTER_UNAVAILABLE"
    assert refused.value.retryable
    assert refused.value.wait == 1.0
    assert refused.value.message == (
        f"The cluster has not answered since {standing.since:%Y-%m-%d %H:%M:%S} UTC, and is asked again at "
        f"{standing.next_try:%H:%M:%S}. The last straw."
    )


def test_one_probe_at_a_time_finds_out(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 1.0
    with breaker.passing():
        assert state(breaker) == BreakerState.HALF_OPEN
        assert is_refused(breaker)
    assert state(breaker) == BreakerState.CLOSED
    assert breaker.standing.since is None


def test_each_silent_probe_doubles_the_pause_up_to_the_most(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    since = breaker.standing.since
    for pause in (1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        clock.now += pause - 0.01
        assert is_refused(breaker)
        clock.now += 0.01
        ask(breaker, SILENCE)
    assert breaker.standing.since == since


async def test_a_probe_that_is_given_up_leaves_the_question_to_the_next(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 1.0
    with pytest.raises(asyncio.CancelledError), breaker.passing():
        raise asyncio.CancelledError
    assert state(breaker) == BreakerState.OPEN
    assert not is_refused(breaker)
    ask(breaker)
    assert state(breaker) == BreakerState.CLOSED


def test_what_was_sent_before_it_opened_does_not_open_it_for_longer(breaker: Breaker, clock: Clock) -> None:
    with suppress(Unreachable), breaker.passing():
        opened(breaker)
        before = breaker.standing.next_try
        clock.now += 0.5
        raise SILENCE
    clock.now += 0.5
    assert before is not None
    assert not is_refused(breaker)


def test_a_late_answer_closes_it(breaker: Breaker) -> None:
    with breaker.passing():
        opened(breaker)
        assert is_refused(breaker)
    assert state(breaker) == BreakerState.CLOSED


async def test_a_silent_cluster_is_asked_three_times_and_then_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "READ_TIMEOUT", 0.05)
    async with silent() as nobody:
        cluster = await Cluster.open(Access(nobody.url, token="t", allow_private=True), Breaker())
        try:
            for _ in range(20):
                with pytest.raises(CircuitOpen):
                    await cluster.request("GET", "/version")
            with pytest.raises(CircuitOpen):
                async with cluster.stream("/api/v1/pods"):
                    raise AssertionError("it must not open")
        finally:
            await cluster.close()
        assert nobody.asked == 3


async def test_a_stream_that_cannot_be_opened_is_a_silence_and_one_that_ends_is_not(breaker: Breaker) -> None:
    cluster = await Cluster.open(Access("http://127.0.0.1:9", token="t", allow_private=True), breaker)
    try:
        for _ in range(3):
            with pytest.raises(Unreachable):
                async with cluster.stream("/api/v1/pods"):
                    raise AssertionError("it must not open")
    finally:
        await cluster.close()
    assert is_refused(breaker)

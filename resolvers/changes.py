"""How a mutation is carried out: asked for once, done in one transaction, answered with ids or with a refusal.

A resolver of a mutation takes an `Ask` and the fields of its input, and hands its work to `Ask.change`. The rows of the
answer are read afterwards, as the viewer, so that a replay shows no more than the viewer may see by then.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tortoise.exceptions import IntegrityError

from jobs import bell
from jobs.start import Door, Ids, change
from models.postgres import unbroken
from resolvers.context import Context
from resolvers.taken import refusal_of
from rules.refusals import Refused
from rules.viewer import Viewer


@dataclass(slots=True)
class Changed:
    """What came of a mutation. ids: of rows, by the name of the payload's field; several are parted by spaces.

    fresh: it was done now, and not told again by its key. secrets: shown once, so only of a fresh change.
    refusals: why nothing was done.
    """

    ids: Ids = field(default_factory=dict)
    fresh: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)
    refusals: list[Refused] = field(default_factory=list)


class _Unknown(Exception):  # noqa: N818 - it ends a transaction that only looked
    pass


@dataclass(frozen=True, slots=True)
class Ask:
    """A mutation as it was asked for. input: its fields as plain data, without the key."""

    context: Context
    operation: str
    input: Mapping[str, Any]
    key: str | None

    @property
    def viewer(self) -> Viewer:
        """Who asks."""
        return self.context.viewer

    async def change(self, work: Callable[[Door], Awaitable[Ids]]) -> Changed:
        """Does the work through the one door, or answers with what its key led to before. Raises: Refused."""
        done = await change(self.viewer, self.operation, self.input, self.key, work, bell.current())
        return Changed(done.ids, not done.replayed, done.secrets)

    async def earlier(self) -> Changed | None:
        """What the key led to before; None when it is new. For work that must speak to a cluster before it writes.

        Raises: Refused IDEMPOTENCY_MISMATCH.
        """

        async def look(_door: Door) -> Ids:
            raise _Unknown

        if self.key is None:
            return None
        try:
            return await self.change(look)
        except _Unknown:
            return None


async def carry_out(resolver: Callable[..., Awaitable[Changed]], ask: Ask, arguments: Mapping[str, Any]) -> Changed:
    """What the resolver did, or why it was refused; a client that goes away does not stop it in the middle.

    A constraint of the database that a race ran into gives the same refusal as the rule that it backs.
    """
    try:
        _storable([ask.input, ask.key])
        return await unbroken(_awaited(resolver(ask, **arguments)))
    except Refused as refused:
        return Changed(refusals=[refused])
    except IntegrityError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return Changed(refusals=[refusal])


def _storable(value: Any) -> None:
    """PostgreSQL holds every text but one with a zero in it."""
    if isinstance(value, str) and "\x00" in value:
        raise Refused("INVALID_INPUT", "A text cannot hold the character U+0000.", "Leave it out.", "input")
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            _storable(item)


async def _awaited(work: Awaitable[Changed]) -> Changed:
    return await work

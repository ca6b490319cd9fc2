"""The shape of every mutation: one input object in, one payload out, with what changed or why nothing did.

    create_environment: EnvironmentPayload = changed_by(
        environments.create, CreateEnvironmentInput, description="Create an environment."
    )

A refusal is data: it stands in the payload's `problems`, and top-level errors are left to bugs.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info

from resolvers.changes import Ask, Changed, carry_out
from resolvers.context import Context
from resolvers.nouns import find
from resolvers.selection import selection
from schema.fields import resolved_by, source
from schema.problems import Problem, problems_of

_KEY = "idempotency_key"

EXPECTED = "The version that you know; when it has another one by now, nothing is done."
"""What every `expectedVersion` says of itself."""


@strawberry.input
class Change:
    """What every input of a mutation has."""

    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Makes a repeated request safe: within 24 hours the same key with the same input is answered with "
        "what came of the first, and with another input it is refused.",
    )


def _problems(root: Changed) -> list[Problem]:
    return [problem for refused in root.refusals for problem in problems_of(refused)]


def _cursor(root: Changed) -> str | None:
    return root.ids.get("cursor")


def _deleted(root: Changed, info: Info[Context, None]) -> str | None:
    owner = root.ids.get("organization")
    return root.ids.get("deleted") if owner and info.context.viewer.sees(owner) else None


@strawberry.interface(description="What came of a mutation.")
class Payload:
    problems: list[Problem] = resolved_by(_problems, description="Why nothing was done; empty when it was.")
    cursor: str | None = resolved_by(
        _cursor, description="The event that tells of the change, to subscribe after; null when nothing changed."
    )


@strawberry.type(description="What came of deleting something.")
@source(Changed)
class DeletionPayload(Payload):
    deleted_id: strawberry.ID | None = resolved_by(
        _deleted, description="The id of what is gone now; null when refused."
    )


def changed_by(resolver: Callable[..., Awaitable[Changed]], takes: type, *, description: str) -> Any:
    """A mutation that `resolver` carries out; the field's annotation is its payload.

    takes: the input type, whose fields but the key are the resolver's parameters after its `Ask`; values of nested
    inputs come as plain data. Raises TypeError, at import, when the two differ.
    """
    wanted = {field.name for field in fields(takes)} - {_KEY}
    accepted = set(list(inspect.signature(resolver).parameters)[1:])
    if wanted != accepted:
        raise TypeError(f"{resolver.__qualname__} takes {sorted(accepted)}, and {takes.__name__} has {sorted(wanted)}.")

    async def answer(info: Info[Context, None], input: Any) -> Changed:
        given = plain(input)
        key = given.pop(_KEY, None)
        return await carry_out(resolver, Ask(info.context, info.field_name, given, key), given)

    said: Any = Annotated[takes, strawberry.argument(description="What is wanted.")]
    return resolved_by(answer, description=description, arguments={"input": said})


def changed(name: str, *, description: str) -> Any:
    """A payload's field: the row whose id the change has under `name`, read as the viewer; null when refused."""

    async def row(root: Changed, info: Info[Context, None]) -> Any:
        id = root.ids.get(name)
        return (await find(info.context, [id], selection(info))).get(id) if id else None

    return resolved_by(row, description=description)


def changed_list(name: str, *, description: str) -> Any:
    """A payload's field: the rows whose ids the change has under `name`, in their order."""

    async def rows(root: Changed, info: Info[Context, None]) -> list[Any]:
        ids = (root.ids.get(name) or "").split()
        found = await find(info.context, ids, selection(info))
        return [found[id] for id in ids if id in found]

    return resolved_by(rows, description=description)


def shown_once(name: str, *, description: str) -> Any:
    """A payload's field: a secret that the change made; null when the answer is a replay."""

    def secret(root: Changed) -> str | None:
        return root.secrets.get(name)

    return resolved_by(secret, description=description)


def plain(value: Any) -> Any:
    """Input objects as mappings, without the fields that were not given; everything else as it is."""
    if is_dataclass(value):
        given = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: plain(item) for name, item in given.items() if item is not UNSET}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value

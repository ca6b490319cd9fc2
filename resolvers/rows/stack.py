"""Stacks, their revisions and the services in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from resolvers.context import Context
from resolvers.nouns import Noun, many, one
from resolvers.rows.organization import OrganizationRow
from resolvers.rows.service import ServiceRevisionRow
from resolvers.selection import Selection
from resolvers.sql import Values, rows


@dataclass(slots=True, eq=False)
class StackRow:
    id: str
    organization_id: str
    name: str
    title: str
    latest_number: int
    version: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)
    draft: "StackRevisionRow | None" = field(init=False)
    latest_revision: "StackRevisionRow | None" = field(init=False)
    outdated: bool = field(init=False)


@dataclass(slots=True, eq=False)
class StackRevisionRow:
    id: str
    organization_id: str
    stack_id: str
    number: int | None
    created_at: datetime
    published_at: datetime | None
    stack: StackRow = field(init=False)
    source: str = field(init=False)
    services: "list[StackServiceRow]" = field(init=False)

    @property
    def draft(self) -> bool:
        """Whether it is the draft, which cannot be deployed."""
        return self.number is None


@dataclass(slots=True, eq=False)
class StackServiceRow:
    id: str
    stack_revision_id: str
    service_revision_id: str
    name: str
    title: str
    pinned: bool
    required: bool
    disabled: bool
    main: bool
    stack_revision: StackRevisionRow = field(init=False)
    service_revision: ServiceRevisionRow = field(init=False)
    outdated: bool = field(init=False)


_BEHIND = """
FROM stack_service c
JOIN service_revision r ON r.id = c.service_revision_id
JOIN service s ON s.id = r.service_id AND s.latest_number > r.number
WHERE NOT c.pinned
"""


async def _outdated_services(_context: Context, found: Sequence[StackServiceRow], _wanted: Selection) -> None:
    behind = await rows(f"SELECT c.id {_BEHIND} AND c.id = ANY($1)", Values([row.id for row in found]))
    ids = {row[0] for row in behind}
    for row in found:
        row.outdated = row.id in ids


async def _outdated_stacks(_context: Context, found: Sequence[StackRow], _wanted: Selection) -> None:
    behind = await rows(
        "SELECT k.id FROM stack k JOIN stack_revision v ON v.stack_id = k.id AND v.number = k.latest_number "
        f"WHERE k.id = ANY($1) AND EXISTS (SELECT {_BEHIND} AND c.stack_revision_id = v.id)",
        Values([row.id for row in found]),
    )
    ids = {row[0] for row in behind}
    for row in found:
        row.outdated = row.id in ids


async def _drafts(context: Context, found: Sequence[StackRow], wanted: Selection) -> None:
    revisions = await _revisions(context, found, wanted, "r.number IS NULL")
    for row in found:
        row.draft = revisions.get(row.id)


async def _latest(context: Context, found: Sequence[StackRow], wanted: Selection) -> None:
    revisions = await _revisions(context, found, wanted, "r.number = s.latest_number")
    for row in found:
        row.latest_revision = revisions.get(row.id)


async def _revisions(
    context: Context, found: Sequence[StackRow], wanted: Selection, which: str
) -> dict[str, StackRevisionRow]:
    ids = await rows(
        f"SELECT r.id FROM stack_revision r JOIN stack s ON s.id = r.stack_id WHERE s.id = ANY($1) AND {which}",
        Values([row.id for row in found]),
    )
    revisions = await STACK_REVISION.of_ids(context, [row[0] for row in ids], wanted, reached=True)
    return {revision.stack_id: revision for revision in revisions.values()}


async def _sources(_context: Context, found: Sequence[StackRevisionRow], _wanted: Selection) -> None:
    texts = await rows("SELECT id, source FROM stack_revision WHERE id = ANY($1)", Values([row.id for row in found]))
    by_id = dict(map(tuple, texts))
    for row in found:
        row.source = by_id[row.id]


STACK = Noun(
    "Stack",
    "stack",
    StackRow,
    {
        "organization": one("Organization", "organization", "organization_id"),
        "draft": _drafts,
        "latestRevision": _latest,
        "outdated": _outdated_stacks,
    },
)
STACK_REVISION = Noun(
    "StackRevision",
    "stack_revision",
    StackRevisionRow,
    {
        "stack": one("Stack", "stack", "stack_id"),
        "source": _sources,
        "services": many("StackService", "services", "stack_revision_id", "t.position, t.name"),
    },
)
STACK_SERVICE = Noun(
    "StackService",
    "stack_service",
    StackServiceRow,
    {
        "stackRevision": one("StackRevision", "stack_revision", "stack_revision_id"),
        "serviceRevision": one("ServiceRevision", "service_revision", "service_revision_id"),
        "outdated": _outdated_services,
    },
)

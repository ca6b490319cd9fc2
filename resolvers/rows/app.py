"""Apps."""

from dataclasses import dataclass, field
from datetime import datetime

from resolvers.nouns import Noun, one
from resolvers.rows.organization import OrganizationRow, ProjectRow
from resolvers.rows.stack import StackRow


@dataclass(slots=True, eq=False)
class AppRow:
    id: str
    organization_id: str
    project_id: str | None
    stack_id: str
    name: str
    title: str
    version: int
    number: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)
    project: ProjectRow | None = field(init=False)
    stack: StackRow = field(init=False)

    @property
    def cursor(self) -> str:
        """The number of its last event, to follow after."""
        return str(self.number)


APP = Noun(
    "App",
    "app",
    AppRow,
    {
        "organization": one("Organization", "organization", "organization_id"),
        "project": one("Project", "project", "project_id"),
        "stack": one("Stack", "stack", "stack_id"),
    },
    live="t.deleted_at IS NULL",
    renamed={"number": "seq"},
)

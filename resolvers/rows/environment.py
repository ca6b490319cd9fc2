"""Named environments."""

from dataclasses import dataclass, field
from datetime import datetime

from resolvers.nouns import Noun, one
from resolvers.rows.organization import OrganizationRow


@dataclass(slots=True, eq=False)
class EnvironmentRow:
    id: str
    organization_id: str
    name: str
    title: str
    type: str
    version: int
    created_at: datetime
    organization: OrganizationRow = field(init=False)


ENVIRONMENT = Noun(
    "Environment",
    "environment",
    EnvironmentRow,
    {"organization": one("Organization", "organization", "organization_id")},
)

"""Organizations and projects."""

from dataclasses import dataclass, field
from datetime import datetime

from resolvers.nouns import Noun, one


@dataclass(slots=True, eq=False)
class OrganizationRow:
    id: str
    name: str
    title: str
    version: int
    created_at: datetime


@dataclass(slots=True, eq=False)
class ProjectRow:
    id: str
    organization_id: str
    name: str
    title: str
    created_at: datetime
    organization: OrganizationRow = field(init=False)


ORGANIZATION = Noun("Organization", "organization", OrganizationRow, {})
PROJECT = Noun(
    "Project", "project", ProjectRow, {"organization": one("Organization", "organization", "organization_id")}
)

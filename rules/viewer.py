"""Who asks: a user by a token, the organizations they are in, and how far the token reaches."""

from collections.abc import Mapping
from dataclasses import dataclass

from rules.access import refusal
from rules.enums import Role, Scope
from rules.refusals import not_found


@dataclass(frozen=True, slots=True)
class Viewer:
    """roles: by organization id, only the organizations that the token reaches.

    app_id, instance_id: what the token is narrowed to; then nothing else of the organization exists for the viewer.
    """

    user_id: str
    token_id: str
    scope: Scope
    roles: Mapping[str, Role]
    app_id: str | None = None
    instance_id: str | None = None

    @property
    def organization_ids(self) -> list[str]:
        """What lists are filtered by, in SQL."""
        return list(self.roles)

    @property
    def narrowed(self) -> bool:
        return self.app_id is not None

    def sees(self, organization_id: str, app_id: str | None = None, instance_id: str | None = None) -> bool:
        """Whether a row with these owners exists for the viewer.

        A row of an organization that belongs to no app is hidden from a narrowed token; an app stays visible to a
        token that is narrowed to one of its instances.
        """
        if organization_id not in self.roles:
            return False
        if self.app_id is not None and app_id != self.app_id:
            return False
        return self.instance_id is None or instance_id is None or instance_id == self.instance_id

    def need(
        self, scope: Scope, organization_id: str, app_id: str | None = None, instance_id: str | None = None
    ) -> None:
        """Refuses what the viewer may not do to a row with these owners.

        Raises: Refused NOT_FOUND for what does not exist for the viewer, FORBIDDEN for what may only be looked at.
        """
        if not self.sees(organization_id, app_id, instance_id):
            raise not_found()
        refused = refusal(self.roles[organization_id], self.scope, scope)
        if refused is None and scope is not Scope.READ and self.instance_id is not None and instance_id is None:
            raise not_found()
        if refused is not None:
            raise refused

"""What exists for a viewer, as conditions in SQL: the one place that lists, nodes, counts and streams ask.

Each condition speaks of a row `t` of its table, and says in SQL what `Viewer.sees` says of a row at hand.
"""

from collections.abc import Callable, Mapping

from resolvers.sql import Values
from rules.enums import Role
from rules.viewer import Viewer

Visible = Callable[[Viewer, Values], str]


def _of_organization(viewer: Viewer, values: Values) -> str:
    """Rows of an organization that belong to no app: hidden from a narrowed token."""
    if viewer.narrowed:
        return "false"
    return f"t.organization_id = ANY({values(viewer.organization_ids)})"


def _organization(viewer: Viewer, values: Values) -> str:
    return "false" if viewer.narrowed else f"t.id = ANY({values(viewer.organization_ids)})"


def _app(viewer: Viewer, values: Values) -> str:
    condition = f"t.organization_id = ANY({values(viewer.organization_ids)})"
    return condition if viewer.app_id is None else f"{condition} AND t.id = {values(viewer.app_id)}"


def _instance(viewer: Viewer, values: Values) -> str:
    condition = f"t.organization_id = ANY({values(viewer.organization_ids)})"
    if viewer.app_id is not None:
        condition += f" AND t.app_id = {values(viewer.app_id)}"
    if viewer.instance_id is not None:
        condition += f" AND t.id = {values(viewer.instance_id)}"
    return condition


def _of_instance(viewer: Viewer, values: Values) -> str:
    condition = f"t.organization_id = ANY({values(viewer.organization_ids)})"
    if viewer.instance_id is not None:
        condition += f" AND t.instance_id = {values(viewer.instance_id)}"
    elif viewer.app_id is not None:
        condition += f" AND t.instance_id IN (SELECT id FROM instance WHERE app_id = {values(viewer.app_id)})"
    return condition


def _task(viewer: Viewer, values: Values) -> str:
    condition = f"t.organization_id = ANY({values(viewer.organization_ids)})"
    if viewer.app_id is not None:
        condition += f" AND t.app_id = {values(viewer.app_id)}"
    if viewer.instance_id is not None:
        condition += f" AND (t.instance_id IS NULL OR t.instance_id = {values(viewer.instance_id)})"
    return condition


def _user(viewer: Viewer, values: Values) -> str:
    """Oneself, and who shares an organization."""
    condition = f"t.id = {values(viewer.user_id)}"
    if viewer.narrowed:
        return condition
    shared = f"SELECT user_id FROM membership WHERE organization_id = ANY({values(viewer.organization_ids)})"
    return f"({condition} OR t.id IN ({shared}))"


def _token(viewer: Viewer, values: Values) -> str:
    """One's own tokens, and those for organizations that one owns; a narrowed token knows of none but itself."""
    if viewer.narrowed:
        return f"t.id = {values(viewer.token_id)}"
    reached = f"(t.organization_id IS NULL OR t.organization_id = ANY({values(viewer.organization_ids)}))"
    owned = [id for id, role in viewer.roles.items() if role is Role.OWNER]
    return f"({reached} AND t.user_id = {values(viewer.user_id)} OR t.organization_id = ANY({values(owned)}))"


def _through(table: str, key: str, visible: Visible) -> Visible:
    """Rows that exist for the viewer when the row that they belong to does."""

    def condition(viewer: Viewer, values: Values) -> str:
        return f"t.{key} IN (SELECT t.id FROM {table} t WHERE {visible(viewer, values)})"

    return condition


VISIBLE: Mapping[str, Visible] = {
    "organization": _organization,
    "project": _of_organization,
    "user": _user,
    "membership": _of_organization,
    "token": _token,
    "environment": _of_organization,
    "cluster": _of_organization,
    "abandoned_namespace": _of_organization,
    "service": _of_organization,
    "service_revision": _of_organization,
    "stack": _of_organization,
    "stack_revision": _of_organization,
    "stack_service": _through("stack_revision", "stack_revision_id", _of_organization),
    "app": _app,
    "instance": _instance,
    "app_service": _of_instance,
    "variable": _through("app_service", "app_service_id", _of_instance),
    "deployment": _of_instance,
    "task": _task,
    "job": _through("task", "task_id", _task),
    "step": _through("task", "task_id", _task),
    "log_line": _through("step", "step_id", _through("task", "task_id", _task)),
}
"""By table: the condition that a row exists for a viewer."""

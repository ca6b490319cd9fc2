"""What the database's constraints mean to a person: the refusal for each one that a mutation may run into."""

from collections.abc import Callable

import asyncpg
from tortoise.exceptions import IntegrityError

from rules.refusals import Refused


def taken(what: str, path: str = "input.name") -> Refused:
    """The refusal of a name that something else has."""
    return Refused("NAME_TAKEN", f"There is {what} of this name already.", "Choose another name.", path)


MEANING: dict[str, Callable[[], Refused]] = {
    "organization_name_key": lambda: taken("an organization"),
    "environment_organization_id_name_key": lambda: taken("an environment"),
    "cluster_name": lambda: taken("a cluster"),
    "app_name": lambda: taken("an app"),
    "instance_name": lambda: taken("an instance"),
    "instance_namespace": lambda: Refused(
        "NAMESPACE_TAKEN",
        "The namespace of this instance is in use on its cluster.",
        "Choose another name for the instance.",
        "input.name",
    ),
    "membership_organization_id_user_id_key": lambda: Refused(
        "NAME_TAKEN", "This user is a member already.", "Change the member's role instead.", "input.email"
    ),
}
"""By the name of a unique constraint or index: what it means that a row would break it."""


def refusal_of(error: IntegrityError) -> Refused | None:
    """The refusal that a violated constraint stands for; None when it is a bug."""
    cause = error.__cause__ or (error.args[0] if error.args else None)
    name = cause.constraint_name if isinstance(cause, asyncpg.IntegrityConstraintViolationError) else None
    meaning = MEANING.get(name or "")
    return meaning() if meaning else None

"""The table of transitions: how an instance's state may change, and nothing else may change it.

Source: the product's table of states, in docs/states.md.
"""

from enum import StrEnum

from rules.enums import InstanceState as S


class Change(StrEnum):
    """What happens to an instance."""

    PROVISIONED = "PROVISIONED"
    PROVISIONED_EMPTY = "PROVISIONED_EMPTY"
    CREATION_FAILED = "CREATION_FAILED"
    DEPLOY_ACCEPTED = "DEPLOY_ACCEPTED"
    DEPLOYED = "DEPLOYED"
    PARTLY_DEPLOYED = "PARTLY_DEPLOYED"
    DEPLOY_FAILED = "DEPLOY_FAILED"
    IMPORT_ACCEPTED = "IMPORT_ACCEPTED"
    IMPORT_ENDED = "IMPORT_ENDED"
    DELETE_ACCEPTED = "DELETE_ACCEPTED"
    CLEANUP_FAILED = "CLEANUP_FAILED"
    GONE = "GONE"


class ImpossibleChange(Exception):  # noqa: N818 - named for what it is
    """A change that the table does not have: a bug in the caller, never a user's doing."""


_BACK = "back to the state before"
_GONE = "gone"

TRANSITIONS: dict[tuple[S, Change], S | str] = {
    (S.CREATING, Change.PROVISIONED): S.DEPLOYING,
    (S.CREATING, Change.PROVISIONED_EMPTY): S.AWAITING,
    (S.CREATING, Change.CREATION_FAILED): S.ERRORED,
    (S.DEPLOYING, Change.DEPLOYED): S.OK,
    (S.DEPLOYING, Change.PARTLY_DEPLOYED): S.AWAITING,
    (S.DEPLOYING, Change.DEPLOY_FAILED): _BACK,
    (S.AWAITING, Change.DEPLOY_ACCEPTED): S.DEPLOYING,
    (S.OK, Change.DEPLOY_ACCEPTED): S.DEPLOYING,
    (S.OK, Change.IMPORT_ACCEPTED): S.IMPORTING,
    (S.IMPORTING, Change.IMPORT_ENDED): S.OK,
    **{(state, Change.DELETE_ACCEPTED): S.DELETING for state in S if state is not S.DELETING},
    (S.DELETING, Change.CLEANUP_FAILED): S.ERRORED,
    (S.DELETING, Change.GONE): _GONE,
}


def after(state: S, change: Change, before: S | None = None) -> S | None:
    """The state that follows; None when the instance is gone.

    before: the state in which the running deployment was accepted (AWAITING where there was none).
    Raises: ImpossibleChange.
    """
    target = TRANSITIONS.get((state, change))
    if target is None:
        raise ImpossibleChange(f"{change} cannot happen to an instance that is {state}")
    if target == _GONE:
        return None
    if target == _BACK:
        return before if before in (S.AWAITING, S.OK) else S.AWAITING
    return S(target)

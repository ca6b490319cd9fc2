"""Who may do what: a member's role and a token's scope, put against what an operation needs."""

from rules.enums import Role, Scope
from rules.refusals import Refused
from rules.states import Operation

NEEDS: dict[Operation, Scope] = {
    Operation.RENAME: Scope.CONFIGURE,
    Operation.DELETE: Scope.ADMIN,
    Operation.FORCE_DELETE: Scope.ADMIN,
    Operation.DEPLOY: Scope.OPERATE,
    Operation.UPGRADE_STACK: Scope.OPERATE,
    Operation.SET_VARIABLES: Scope.CONFIGURE,
    Operation.SET_REPLICAS: Scope.CONFIGURE,
    Operation.SET_VERSION: Scope.CONFIGURE,
    Operation.SET_ENABLED: Scope.CONFIGURE,
    Operation.LIVE_LOGS: Scope.READ,
    Operation.PODS: Scope.READ,
}
"""The scope that each operation on an instance needs: mutations ask it, and so does `instance.operations`."""

_ORDER = list(Scope)
_ROLE_SCOPE = {Role.OWNER: Scope.ADMIN, Role.READER: Scope.READ}


def includes(scope: Scope, needed: Scope) -> bool:
    """Whether a scope is as wide as another one."""
    return _ORDER.index(scope) >= _ORDER.index(needed)


def refusal(role: Role, scope: Scope, needed: Scope) -> Refused | None:
    """Why someone of this role with a token of this scope may not do what needs `needed`; None when they may."""
    if not includes(_ROLE_SCOPE[role], needed):
        return Refused(
            "FORBIDDEN",
            f"Your role {role} does not allow this.",
            "Ask an owner of the organization to do it or to make you an owner.",
            details={"missing": needed},
        )
    if not includes(scope, needed):
        return Refused(
            "FORBIDDEN",
            f"Your token's scope {scope} does not allow this; it needs {needed}.",
            f"Use a token with the scope {needed}.",
            details={"missing": needed},
        )
    return None

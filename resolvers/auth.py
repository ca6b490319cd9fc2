"""Who a secret belongs to."""

import hashlib
import re
import secrets
import string
from typing import Any

from resolvers.sql import Values, rows
from rules.enums import Role, Scope
from rules.viewer import Viewer

_SECRET = re.compile(r"berth_[0-9A-Za-z]{32,128}")
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 40

_STATEMENT = """
SELECT k.id, k.user_id, k.scope, k.app_id, k.instance_id, m.organization_id, m.role
FROM token k LEFT JOIN membership m
  ON m.user_id = k.user_id AND (k.organization_id IS NULL OR m.organization_id = k.organization_id)
WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
"""


def new_secret() -> str:
    """A new token's secret, shown once: 238 bits that no list of words finds."""
    return "berth_" + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def hashed(secret: str) -> str:
    """What is kept of a secret. It has too many bits to be guessed, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def authenticate(secret: str | None) -> Viewer | None:
    """The viewer that a secret proves; None when it is missing, malformed, unknown, expired or revoked."""
    if secret is None or not _SECRET.fullmatch(secret):
        return None
    found = await rows(_STATEMENT, Values(hashed(secret)))
    if not found:
        return None
    head = found[0]
    roles: dict[str, Any] = {row["organization_id"]: Role(row["role"]) for row in found if row["role"] is not None}
    return Viewer(head["user_id"], head["id"], Scope(head["scope"]), roles, head["app_id"], head["instance_id"])

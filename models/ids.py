"""Opaque, typed ids: a prefix that names the table, and 26 characters that sort by time of creation (as ULIDs do)."""

import secrets
import time

PREFIXES = {
    "org": "Organization",
    "prj": "Project",
    "usr": "User",
    "mbr": "Membership",
    "env": "Environment",
    "cls": "Cluster",
    "svc": "Service",
    "srv": "ServiceRevision",
    "stk": "Stack",
    "srn": "StackRevision",
    "sse": "StackService",
    "app": "App",
    "ins": "Instance",
    "abn": "AbandonedNamespace",
    "aps": "AppService",
    "val": "AppServiceToken",
    "var": "Variable",
    "apd": "Applied",
    "tok": "Token",
    "tsk": "Task",
    "job": "Job",
    "stp": "Step",
    "dpl": "Deployment",
}
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A new id such as `ins_01jd3v8q0k5t7w9y2b4d6f8h0a`."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return prefix + "_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def kind_of(text: str) -> str | None:
    """The model that an id belongs to by its form; None when it is no id of ours."""
    prefix, _, rest = text.partition("_")
    if len(rest) != 26 or any(letter not in _ALPHABET for letter in rest):
        return None
    return PREFIXES.get(prefix)

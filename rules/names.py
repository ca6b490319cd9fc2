"""Machine names: the Kubernetes rule for names (RFC 1123 labels), and an instance's namespace."""

import re

from rules.refusals import Refused

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NAMESPACE_LONGEST = 63
_RULE = "Use 1 to 63 lower-case letters, digits and hyphens, starting and ending with a letter or digit."
TITLE_LONGEST = 120
_RESERVED = re.compile(r"default|kube-.*|berth|berth-.*")


def machine_name(name: str, path: str) -> str:
    """The name itself when it follows the rule. Raises: Refused INVALID_NAME."""
    if not NAME.fullmatch(name):
        raise Refused("INVALID_NAME", f"{name[:80]!r} is not a machine name.", _RULE, path)
    return name


def title(text: str | None, path: str, default: str = "") -> str:
    """A title: 1 to 120 characters on one line, trimmed. Raises: Refused INVALID_INPUT."""
    chosen = " ".join((default if text is None else text).split())
    if not chosen or len(chosen) > TITLE_LONGEST or not chosen.isprintable():
        raise Refused("INVALID_INPUT", "A title has 1 to 120 printable characters.", "Choose another title.", path)
    return chosen


def namespace(app: str, instance: str, path: str) -> str:
    """`<app>-<instance>`. Raises: Refused INVALID_NAME when it is too long or reserved."""
    name = f"{app}-{instance}"
    if len(name) > NAMESPACE_LONGEST:
        raise Refused(
            "INVALID_NAME",
            f"The namespace {name!r} would have {len(name)} characters; Kubernetes allows {NAMESPACE_LONGEST}.",
            "Shorten the name of the app or of the instance.",
            path,
        )
    if _RESERVED.fullmatch(name):
        raise Refused("INVALID_NAME", f"The namespace {name!r} is reserved.", "Choose another name.", path)
    return name


VARIABLE = r"[A-Za-z_-][A-Za-z0-9_.-]{0,252}|\.[A-Za-z0-9_-][A-Za-z0-9_.-]{0,251}"
"""What an environment variable's name is (a pattern without anchors), which is a key of a ConfigMap as well: Kubernetes
takes neither `.` nor what begins with two dots."""

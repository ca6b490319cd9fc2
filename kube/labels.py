"""Names, labels and annotations of what Berth makes in a cluster; the prefix of its own stands only here."""

import hashlib
import re
from dataclasses import dataclass

FIELD_MANAGER = "berth"
PREFIX = "berth.dev"
INSTALLATION = f"{PREFIX}/installation"
ORGANIZATION = f"{PREFIX}/organization"
APP = f"{PREFIX}/app"
INSTANCE = f"{PREFIX}/instance"
SERVICE = f"{PREFIX}/service"
WORKLOAD = f"{PREFIX}/workload"
REVISION = f"{PREFIX}/revision"
TASK = f"{PREFIX}/task"
TEMPLATE = f"{PREFIX}/template"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED = f"{MANAGED_BY}={FIELD_MANAGER}"

_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose objects they are. `installation` and the ids are opaque; `app` and `instance` are machine names."""

    installation: str
    organization_id: str
    app_id: str
    app: str
    instance_id: str
    instance: str
    namespace: str
    task: str = ""


def label_value(text: str) -> str:
    """The text where Kubernetes takes it as a label's value, else a near one that differs for different texts.

    The rule: at most 63 characters of [A-Za-z0-9_.-], the first and last alphanumeric.
    """
    if _VALUE.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    near = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:52].strip("_.-")
    return f"{near}-{digest}" if near else digest


def object_name(*parts: str) -> str:
    """A name from parts that hold no dot, joined by dots so that different parts never make the same name.

    The rule (DNS subdomain): at most 253 characters of [a-z0-9.-], each part starting and ending alphanumeric.
    """
    fitting = []
    for part in parts:
        near = re.sub(r"[^a-z0-9-]+", "-", part.lower()).strip("-")[:63].strip("-")
        fitting.append(near if near == part else f"{near[:50]}-{digest(part)[:8]}".strip("-"))
    return ".".join(fitting)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def labels(identity: Identity) -> dict[str, str]:
    """Labels of what belongs to the instance as a whole: Kubernetes' recommended ones and Berth's own."""
    found = {
        MANAGED_BY: FIELD_MANAGER,
        "app.kubernetes.io/name": label_value(identity.app),
        "app.kubernetes.io/instance": label_value(identity.instance),
        "app.kubernetes.io/part-of": label_value(identity.app),
        APP: label_value(identity.app_id),
        INSTANCE: label_value(identity.instance_id),
    }
    if identity.task:
        found[TASK] = label_value(identity.task)
    return found

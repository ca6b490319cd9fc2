"""Label and field selectors, as lists and watches take them."""

import re
from collections.abc import Callable

from simulator.errors import bad_request
from simulator.kinds import Object

Match = Callable[[Object], bool]
_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_FIELDS = {
    "metadata.name", "metadata.namespace", "status.phase", "spec.nodeName", "spec.restartPolicy", "type", "reason",
    "involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "involvedObject.uid",
    "involvedObject.apiVersion", "involvedObject.fieldPath", "reportingComponent", "source",
}  # fmt: skip


def everything(_: Object) -> bool:
    """The selector that leaves nothing out."""
    return True


def selector(labels: str, fields: str) -> Match:
    """One test for both selectors of a request. Raises a 400 where one cannot be read."""
    tests = [_label(part) for part in _split(labels)] + [_field(part) for part in _split(fields)]
    if not tests:
        return everything
    return lambda obj: all(test(obj) for test in tests)


def _split(text: str) -> list[str]:
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    return [one for one in [*parts, part] if one.strip()]


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _label(part: str) -> Match:
    if found := _SET.match(part):
        key, operator, values = found[1], found[2], {value.strip() for value in found[3].split(",")}
        if operator == "in":
            return lambda obj: _labels(obj).get(key) in values
        return lambda obj: _labels(obj).get(key) not in values
    if "!=" in part:
        key, value = (text.strip() for text in part.split("!=", 1))
        return lambda obj: _labels(obj).get(key) != value
    if "=" in part:
        key, value = (text.strip() for text in part.replace("==", "=", 1).split("=", 1))
        return lambda obj: _labels(obj).get(key) == value
    key = part.strip()
    if " " in key:
        raise bad_request(
            f"unable to parse requirement: found '{key.split()[1]}', expected: in, notin, =, ==, !=, gt, lt"
        )
    if key.startswith("!"):
        return lambda obj: key[1:] not in _labels(obj)
    return lambda obj: key in _labels(obj)


def _field(part: str) -> Match:
    negative = "!=" in part
    path, sign, value = part.partition("!=" if negative else "=")
    path, value = path.strip(), value.removeprefix("=").strip()
    if not sign or path not in _FIELDS:
        raise bad_request(f"field label not supported: {path}")
    steps = path.split(".")

    def test(obj: Object) -> bool:
        found: object = obj
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        return (str(found or "") == value) is not negative

    return test


def matches(wanted: Object | None, labels: dict[str, str] | None) -> bool:
    """Whether a LabelSelector (matchLabels, matchExpressions) chooses these labels; an absent one chooses nothing."""
    if wanted is None:
        return False
    have = labels or {}
    if any(have.get(key) != value for key, value in (wanted.get("matchLabels") or {}).items()):
        return False
    for test in wanted.get("matchExpressions") or []:
        key, operator, values = test["key"], test["operator"], test.get("values") or []
        chosen = {
            "In": have.get(key) in values, "NotIn": have.get(key) not in values,
            "Exists": key in have, "DoesNotExist": key not in have,
        }[operator]  # fmt: skip
        if not chosen:
            return False
    return True

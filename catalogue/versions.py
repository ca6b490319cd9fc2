"""Semantic versions and ranges of them, as far as `fromVersionConstraint` and its kin write them."""

import re

Version = tuple[int, int, int]

_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}|[xX*]))?(?:\.([0-9]{1,9}|[xX*]))?(?:[-+][0-9A-Za-z.+-]+)?\Z")
_TERM = re.compile(r"(\^|~|>=|<=|>|<|=|!=)?\s*(v?[0-9][0-9A-Za-z.*+-]*|[xX*])")


def version(text: str) -> Version | None:
    """The numbers of a version, missing ones as zero; None where the text is no version."""
    found = _VERSION.match(text)
    if found is None:
        return None
    first, second, third = (int(part) if part and part.isdigit() else 0 for part in found.groups())
    return first, second, third


def valid(constraint: str) -> bool:
    """Whether this is a range that `matches` understands."""
    return all(_terms(part) is not None for part in constraint.split("||", 20))


def matches(text: str, constraint: str) -> bool:
    """Whether a version is in the range; False where either is not understood."""
    number = version(text)
    if number is None:
        return False
    for part in constraint.split("||", 20):
        terms = _terms(part)
        if terms is not None and all(low <= number < high for low, high in terms):
            return True
    return False


_END: Version = (10**9, 0, 0)


def _terms(part: str) -> list[tuple[Version, Version]] | None:
    found = []
    rest = part.strip() if len(part) <= 200 else ""
    while rest:
        term = _TERM.match(rest)
        if term is None:
            return None
        bounds = _bounds(term[1] or "=", term[2])
        if bounds is None:
            return None
        found.append(bounds)
        rest = rest[term.end() :].lstrip(" ,")
    return found or None


def _bounds(sign: str, text: str) -> tuple[Version, Version] | None:
    if text in ("x", "X", "*"):
        return (0, 0, 0), _END
    number = version(text)
    if number is None or sign == "!=":
        return None
    parts = len([part for part in text.lstrip("v").split("-")[0].split(".") if part.isdigit()])
    major, minor, patch = number
    after = {1: (major + 1, 0, 0), 2: (major, minor + 1, 0)}.get(parts, (major, minor, patch + 1))
    if sign == "^":
        compatible = (major + 1, 0, 0) if major or parts == 1 else (0, minor + 1, 0) if minor or parts == 2 else after
        return number, compatible
    if sign == "~":
        return number, (major + 1, 0, 0) if parts == 1 else (major, minor + 1, 0)
    return {
        "=": (number, after),
        ">=": (number, _END),
        ">": (after, _END),
        "<": ((0, 0, 0), number),
        "<=": ((0, 0, 0), after),
    }[sign]

"""From plain data to a typed manifest: what the types refuse, said as a manifest's author understands it.

A list that is called too short only because its items were refused is not told beside them, and a value that may be of
two types is told once.
"""

from collections.abc import Iterator
from itertools import islice
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, ValidationError

from catalogue.findings import LIMIT_FINDINGS, Code, Issue, Path, nearest
from catalogue.items import Item

_REASONS = {
    "too_short": "must have at least {min_length} item",
    "too_long": "must have at most {max_length} items",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
}

Manifest = TypeVar("Manifest", bound=Item)

_PRIVILEGE = "Remove it: a container says `runAsUser` at most, and gets no privileges."
_NETWORK = "Remove it, and name the ports under `endpoints`."
_OUTWARD = {
    **dict.fromkeys(("privileged", "securityContext", "capabilities", "allowPrivilegeEscalation"), _PRIVILEGE),
    **dict.fromkeys(("hostNetwork", "hostPort", "hostPorts", "hostPID", "hostIPC"), _NETWORK),
    "hostPath": "Remove it, and give the volume a `size`: it becomes a claim on the cluster's storage.",
}
"""Kubernetes' fields by which a pod would reach beyond its namespace, and what to do instead."""

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def shaped(model: type[Manifest], data: Any) -> Manifest | tuple[Issue, ...]:
    """The data as this kind of manifest, or everything that its fields refuse."""
    if not isinstance(data, dict):
        problem = "The document is no mapping." if data is not None else "The document is empty."
        return (Issue((), Code.NOT_A_MANIFEST, problem, "Begin it with `name:`."),)
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        faults: list[dict[str, Any]] = [dict(fault) for fault in error.errors(include_url=False, include_input=False)]
        followed = {fault["loc"][:length] for fault in faults for length in range(len(fault["loc"]))}
        told = (fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in followed)
        issues = [_issue(model, data, fault) for fault in islice(told, 2 * LIMIT_FINDINGS + 2)]
        return tuple({(issue.path, issue.code): issue for issue in reversed(issues)}.values())[::-1]


def _issue(model: type[Item], data: Any, fault: dict[str, Any]) -> Issue:
    path, kind, context = _within(data, fault["loc"]), fault["type"], fault.get("ctx", {})
    field = str(path[-1]) if path else ""
    if kind == "extra_forbidden" and field in _OUTWARD:
        problem = f"The field {field!r} is refused: what an instance runs stays within its own namespace."
        return Issue(path, Code.NOT_ISOLATED, problem, _OUTWARD[field])
    if kind == "extra_forbidden":
        known = _fields(model, path[:-1])
        close = nearest(field, known)
        remedy = f"Did you mean {close!r}?" if close else "Remove it, or use one of: " + ", ".join(sorted(known)) + "."
        return Issue(path, Code.UNKNOWN_FIELD, f"The field {field!r} is unknown here.", remedy)
    if kind == "missing":
        return Issue(path, Code.MISSING_FIELD, f"The field {field!r} is missing.", f"Add {field!r}.")
    if kind in _KINDS:
        problem = f"The field {path[-1]!r} must be {_KINDS[kind]}." if path else "The document must be a mapping."
        remedy = "Put it in quotes." if kind == "string_type" else f"Write {_KINDS[kind]}."
        return Issue(path, Code.WRONG_TYPE, problem, remedy)
    if kind == "literal_error":
        problem = f"The value of {field!r} is not one of those allowed."
        return Issue(path, Code.INVALID_VALUE, problem, f"Use {context['expected']}.")
    if kind == "string_pattern_mismatch" and field == "name":
        problem = "The name breaks the rule for names."
        return Issue(path, Code.INVALID_NAME, problem, f"Choose one that matches {context['pattern']}.")
    return Issue(path, Code.INVALID_VALUE, f"The value of {field!r} is not allowed.", f"It {_reason(fault)}.")


def _reason(fault: dict[str, Any]) -> str:
    context = fault.get("ctx", {})
    said = _REASONS.get(fault["type"])
    return said.format(**context) if said else str(context["error"] if "error" in context else fault["msg"]).lower()


def _within(data: Any, location: tuple[str | int, ...]) -> Path:
    """The location without the names that the validator adds for the members of a union."""
    path: list[str | int] = []
    for at, step in enumerate(location):
        inside = isinstance(data, list) if isinstance(step, int) else isinstance(data, dict)
        last = at == len(location) - 1
        if not inside:
            break
        if isinstance(data, dict) and step not in data:
            if last:
                path.append(step)
            break
        path.append(step)
        data = data[step]
    return tuple(path)


def _fields(model: type[BaseModel], path: Path) -> set[str]:
    """The names of the fields that the mapping at this path may have."""
    kinds = {model}
    for step in path:
        if isinstance(step, str):
            kinds = {
                found
                for kind in kinds
                for name, info in kind.model_fields.items()
                if (info.alias or name) == step
                for found in _models(info.annotation)
            }
    return {info.alias or name for kind in kinds for name, info in kind.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, tuple):
        for inner in get_args(annotation):
            yield from _models(inner)

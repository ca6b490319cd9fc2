"""Which fields the API's objects have, and of what type: as the published client library knows them.

A real API server checks an apply against its own schema, and takes every other document apart into Go's structs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from kubernetes_asyncio.client import models

from simulator.fields import key, keys_of, shown
from simulator.kinds import Kind, Object

_LIST, _MAP = re.compile(r"list\[(.*)\]"), re.compile(r"dict\(str, (.*)\)")
_GO = {"str": "string", "datetime": "string", "int": "int32", "bool": "bool"}
_SCALARS = {"str": "string", "datetime": "string", "int": "numeric (int or float)", "float": "numeric (int or float)",
            "bool": "boolean"}  # fmt: skip
_QUANTITIES = {
    "limits", "requests", "hard", "capacity", "allocatable", "sizeLimit", "divisor", "default", "defaultRequest", "max",
    "min", "maxLimitRequestRatio", "used",
}  # fmt: skip
"""What the library calls a text, and the API a quantity: a number will do."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A value where the schema has no such field, or one of another type.

    path: as an apply names it (`.spec.containers[name="web"].image`). wanted: what the schema has there; "" for an
    unknown field. struct: Go's name of the struct that has the field.
    """

    path: str
    wanted: str
    value: Any
    struct: str
    go: str = ""

    def applied(self) -> str:
        """As the answer to an apply has it."""
        if not self.wanted:
            return f"{self.path}: field not declared in schema"
        got = f"&{{{_printed(self.value)}}}"
        if self.wanted == "string":
            got = f"&value.valueUnstructured{{Value:{orjson.dumps(self.value).decode()}}}"
        elif self.wanted.startswith("numeric"):
            got = _GO.get(type(self.value).__name__, "map" if isinstance(self.value, dict) else "list")
        return f"{self.path}: expected {self.wanted}, got {got}"

    def decoded(self) -> str:
        """As the answer to any other write has it."""
        what = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}
        field = re.sub(r"\[[^\]]*\]", "", self.path)
        found = what.get(type(self.value), "object")
        return f"json: cannot unmarshal {found} into Go struct field {self.struct}{field} of type {self.go}"


def mistakes(kind: Kind, obj: Object) -> Iterator[Mistake]:
    """All of an object's, in its own order; none for a kind that the library does not know."""
    if f"V1{kind.name}" in _MODELS:
        yield from _in_struct(f"V1{kind.name}", obj, "")


def prune(kind: Kind, obj: Object) -> None:
    """Takes out what the schema does not know, as any write but an apply does."""
    if f"V1{kind.name}" in _MODELS:
        _prune(f"V1{kind.name}", obj)


_MODELS: dict[str, Any] = {name: found for name, found in vars(models).items() if hasattr(found, "openapi_types")}


@cache
def _fields(model: str) -> dict[str, str]:
    """A struct's fields by their names in JSON, with the library's words for their types."""
    found = _MODELS[model]
    return {found.attribute_map[name]: type_ for name, type_ in found.openapi_types.items()}


def _in_struct(model: str, obj: Object, path: str) -> Iterator[Mistake]:
    fields, struct = _fields(model), re.sub(r"^(Core)?V\d+", "", model)
    for name, value in obj.items():
        at = f"{path}.{name}"
        if name not in fields:
            yield Mistake(at, "", value, struct)
        elif value is not None and name not in _QUANTITIES:
            yield from _of_type(fields[name], value, at, struct)
        elif name in _QUANTITIES and _MAP.fullmatch(fields[name]) and not isinstance(value, dict | None):
            yield Mistake(at, "map", value, struct, "map")


def _of_type(type_: str, value: Any, path: str, struct: str) -> Iterator[Mistake]:
    if found := _LIST.fullmatch(type_):
        if not isinstance(value, list):
            yield Mistake(path, "list", value, struct, f"[]{_go(found[1])}")
            return
        keys = keys_of(path.rpartition(".")[2], value)
        for number, item in enumerate(value):
            keyed = bool(keys) and isinstance(item, dict)
            yield from _of_type(found[1], item, path + (shown((key(item, keys),)) if keyed else f"[{number}]"), struct)
    elif found := _MAP.fullmatch(type_):
        if not isinstance(value, dict):
            yield Mistake(path, "map", value, struct, f"map[string]{_go(found[1])}")
            return
        for name, inner in value.items():
            if inner is not None:
                yield from _of_type(found[1], inner, f"{path}.{name}", struct)
    elif type_ in _MODELS:
        if not isinstance(value, dict):
            yield Mistake(path, "map", value, struct, _go(type_))
            return
        yield from _in_struct(type_, value, path)
    elif type_ in _SCALARS and not _is(type_, value):
        yield Mistake(path, _SCALARS[type_], value, struct, _go(type_))


def _is(type_: str, value: Any) -> bool:
    if type_ in {"int", "float"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, bool if type_ == "bool" else str)


def _go(type_: str) -> str:
    return _GO.get(type_, re.sub(r"^V\d+", "", type_))


def _printed(value: Any) -> str:
    """As Go prints a value."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{_printed(inner)}" for name, inner in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_printed, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _prune(type_: str, value: Any) -> None:
    inner = _LIST.fullmatch(type_) or _MAP.fullmatch(type_)
    if inner:
        for one in value.values() if isinstance(value, dict) else value:
            _prune(inner[1], one)
    elif type_ in _MODELS and isinstance(value, dict):
        fields = _fields(type_)
        for name in [name for name in value if name not in fields]:
            del value[name]
        for name, one in value.items():
            if one is not None:
                _prune(fields[name], one)

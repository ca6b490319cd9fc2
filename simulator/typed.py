"""What the API's schema asks for: its fields, their JSON types, one item per key.

A real API server answers a POST or PUT of such a document with 400 and an apply with 500, both in the words used here.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from simulator import schema
from simulator.errors import StatusError, bad_request
from simulator.fields import key, keys_of, shown
from simulator.kinds import Kind, Object
from simulator.quota import quantity


def check(kind: Kind, obj: Object) -> None:
    """Raises the 400 of a document with a value of another type; takes out what the schema does not know."""
    _encoded(kind, obj)
    schema.prune(kind, obj)
    for mistake in schema.mistakes(kind, obj):
        raise bad_request(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: '
                          f"{mistake.decoded()}")  # fmt: skip


def check_patched(kind: Kind, obj: Object) -> None:
    """The same for what a patch makes of an object, which is a 422."""
    schema.prune(kind, obj)
    for mistake in schema.mistakes(kind, obj):
        shown = orjson.dumps(orjson.dumps(obj).decode()).decode()
        raise StatusError(422, "Invalid", f' "" is invalid: patch: Invalid value: {shown}: {mistake.decoded()}')


def check_applied(kind: Kind, obj: Object) -> None:
    """Raises the 500 of an apply with an unknown field, a value of another type, or two items of one key."""
    _encoded(kind, obj)
    meta = obj["metadata"]
    head = f"failed to create typed patch object ({meta['namespace'] + '/' if 'namespace' in meta else ''}" \
           f"{meta['name']}; {kind.group}/{kind.version}, Kind={kind.name}): "  # fmt: skip
    for mistake in schema.mistakes(kind, obj):
        raise StatusError(500, "", head + mistake.applied())
    for path, step in _doubled(obj, ""):
        raise StatusError(500, "", f"{head}{path}: duplicate entries for key {step}")


def _encoded(kind: Kind, obj: Object) -> None:
    """Raises the 400 of a secret that is not base64, or of a quantity that is none."""
    head = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: '
    if kind.name == "Secret":
        for text in (obj.get("data") or {}).values():
            try:
                base64.b64decode(text or "", validate=True)
            except (binascii.Error, TypeError):
                raise bad_request(f"{head}illegal base64 data at input byte 0") from None
    try:
        for value in _quantities(obj.get("spec")):
            quantity(value)
    except ValueError:
        rule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        raise bad_request(head + rule) from None


def _quantities(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _quantities(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in {"limits", "requests", "hard"} and isinstance(inner, dict):
                yield from inner.values()
            else:
                yield from _quantities(inner)


def _doubled(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _doubled(inner, f"{path}.{name}")
    elif isinstance(value, list) and (keys := keys_of(path.rpartition(".")[2], value)):
        steps = [key(item, keys) for item in value if isinstance(item, dict)]
        for step, times in Counter(steps).items():
            if times > 1:
                yield path, shown((step,))
        for item, step in zip(value, steps, strict=False):
            yield from _doubled(item, path + shown((step,)))

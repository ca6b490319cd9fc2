"""What JSON types the API's schema asks for, where a wrong one is a common mistake: texts that were left unquoted.

A real API server answers a POST or PUT of such a document with 400 and an apply with 500, both in the words used here.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from simulator.errors import StatusError, bad_request
from simulator.fields import key, keys_of, shown
from simulator.kinds import Kind, Object
from simulator.quota import quantity

_TEXTS = {"labels": "ObjectMeta", "annotations": "ObjectMeta", "matchLabels": "LabelSelector",
          "nodeSelector": "PodSpec"}  # fmt: skip


def check(kind: Kind, obj: Object) -> None:
    """Raises the 400 of a document with a number or a boolean in the place of a text."""
    _encoded(kind, obj)
    for struct, path, value in _wrong(kind, obj):
        what = "bool" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "object"
        field = re.sub(r"\[[^\]]*\]", "", path)
        field = re.sub(r"^(\.(?:data|stringData))\..*", r"\1", field)
        raise bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: json: cannot unmarshal '
            f"{what} into Go struct field {struct}{field} of type string"
        )


def check_applied(kind: Kind, obj: Object) -> None:
    """Raises the 500 of an apply with such a value, or with two items of one key."""
    _encoded(kind, obj)
    meta = obj["metadata"]
    head = f"failed to create typed patch object ({meta['namespace'] + '/' if 'namespace' in meta else ''}" \
           f"{meta['name']}; {kind.group}/{kind.version}, Kind={kind.name}): "  # fmt: skip
    for _, path, value in _wrong(kind, obj):
        text = orjson.dumps(value).decode()
        raise StatusError(500, "", f"{head}{path}: expected string, got &value.valueUnstructured{{Value:{text}}}")
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


def _wrong(kind: Kind, obj: Object) -> Iterator[tuple[str, str, Any]]:
    """Go's name of the struct, path and value of each wrong field."""
    if kind.name in {"ConfigMap", "Secret"}:
        for part in ("data", "stringData"):
            for name, value in (obj.get(part) or {}).items():
                if not isinstance(value, str):
                    yield kind.name, f".{part}.{name}", value
    yield from _texts(obj, "")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _TEXTS and isinstance(inner, dict):
                for one, text in inner.items():
                    if not isinstance(text, str):
                        yield _TEXTS[name], f"{path}.{name}.{one}", text
            else:
                yield from _texts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        field = path.rpartition(".")[2]
        keys = keys_of(field, value)
        for item in value:
            where = path + shown((key(item, keys),)) if keys and isinstance(item, dict) else path
            if field == "env" and isinstance(item, dict) and not isinstance(item.get("value", ""), str | None):
                yield "EnvVar", f"{where}.value", item["value"]
            yield from _texts(item, where)


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

"""Merge patches (RFC 7386), JSON patches (RFC 6902) and strategic merge patches in simple form."""

from typing import Any

from simulator.errors import StatusError, bad_request
from simulator.fields import is_set, key, keys_of
from simulator.kinds import Object


def merge(target: Any, change: Any) -> Any:
    """RFC 7386: maps are merged, null removes, everything else replaces."""
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def strategic(target: Any, change: Any, name: str = "") -> Any:
    """A merge patch that merges keyed lists item by item and knows `$patch: delete` and `replace`."""
    if isinstance(change, dict):
        if change.get("$patch") == "replace":
            return {one: value for one, value in change.items() if one != "$patch"}
        result = dict(target) if isinstance(target, dict) else {}
        for one, value in change.items():
            if one.startswith("$"):
                continue
            if value is None:
                result.pop(one, None)
            else:
                result[one] = strategic(result.get(one), value, one)
        return result
    if isinstance(change, list) and isinstance(target, list):
        if is_set(name):
            return [*target, *[one for one in change if one not in target]]
        if keys := keys_of(name, [*target, *change]):
            return _items(target, change, keys)
    return change


def _items(target: list[Object], change: list[Object], keys: tuple[str, ...]) -> list[Object]:
    rows = {key(item, keys): item for item in target}
    for item in change:
        step = key(item, keys)
        if item.get("$patch") == "delete":
            rows.pop(step, None)
        else:
            rows[step] = strategic(rows.get(step), item)
    return list(rows.values())


def json_patch(target: Object, operations: Any) -> Object:
    """RFC 6902 with add, remove, replace and test. Raises 422 where an operation cannot be done."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    result: Any = target
    for operation in operations:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        result = _at(result, steps, operation)
    if not isinstance(result, dict):
        raise bad_request("the patch leaves no object")
    return result


def _at(node: Any, steps: list[str], operation: Object) -> Any:
    if not steps:
        return _leaf(node, operation)
    step, last = steps[0], len(steps) == 1
    if isinstance(node, dict):
        copy: Any = dict(node)
        at: Any = step
        missing = step not in node
    elif isinstance(node, list) and (step == "-" or step.isdigit()):
        copy = list(node)
        at = len(copy) if step == "-" else int(step)
        missing = at >= len(copy)
        if last and operation["op"] == "add":
            copy.insert(at, operation["value"])
            return copy
    else:
        raise _refused()
    if last and operation["op"] == "add":
        copy[at] = operation["value"]
        return copy
    if missing:
        raise _refused()
    if last and operation["op"] == "remove":
        del copy[at]
        return copy
    copy[at] = _at(copy[at], steps[1:], operation)
    return copy


def _leaf(node: Any, operation: Object) -> Any:
    if operation["op"] in {"add", "replace"}:
        return operation["value"]
    if operation["op"] == "test" and node == operation.get("value"):
        return node
    raise _refused()


def _refused() -> StatusError:
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})

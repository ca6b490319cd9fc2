"""`from`: a manifest's data laid over its parent's, item by item by name.

A scalar of the child replaces the parent's. A mapping is merged field by field. In a list of named items an item of the
child is merged into the parent's item of that name, or added after them. Labels are joined. Other lists are replaced.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalogue.findings import Code, Issue, Path
from catalogue.services import ServiceManifest
from catalogue.versions import matches

_KEYS = {
    "options": ("version",),
    "configs": ("name", "version"),
    "configurations": ("container",),
    "env": ("name", "envType"),
    "tokens": ("name", "envType"),
    "annotations": ("name", "envType"),
}
_OWN = ("name", "title", "from", "fromVersion", "fromVersionConstraint", "fromOptionVersionConstraint", "update")


def item_key(listed: str, item: Any) -> tuple[Any, ...] | None:
    """What tells an item of the list of this name from the others; None where it has no name."""
    fields = _KEYS.get(listed, ("name",))
    if not isinstance(item, Mapping) or fields[0] not in item:
        return None
    key = tuple(item.get(name) for name in fields)
    return key if all(isinstance(part, str | None) for part in key) else None


def duplicates(data: Any, path: Path = ()) -> Iterator[Issue]:
    """Every item that repeats the name of one before it in its list."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from duplicates(value, (*path, name))
    elif isinstance(data, list):
        seen: dict[tuple[Any, ...], int] = {}
        listed = str(path[-1]) if path else ""
        for at, item in enumerate(data):
            key = item_key(listed, item)
            if key is not None and key in seen:
                said = " for ".join(part for part in key if part)
                problem = f"{said!r} stands twice in {listed}, first as item {seen[key]}."
                remedy = "Merge the two, or give one of them another name."
                yield Issue((*path, at), Code.DUPLICATE_NAME, problem, remedy)
            elif key is not None:
                seen[key] = at
            yield from duplicates(item, (*path, at))


@dataclass(slots=True)
class Merged:
    """`origins` tells, for a path into `data`, where the child's own text has it; None where the parent said it."""

    data: Any
    origins: dict[Path, Path | None] = field(default_factory=lambda: {(): ()})

    def origin(self, path: Path) -> tuple[Path, bool]:
        """The path in the child's text, and whether the child said it itself."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                source = self.origins[path[:length]]
                return (("from",), False) if source is None else (source + path[length:], True)
        return path, True


def inherit(child: Any, parent: ServiceManifest) -> Merged:
    """The child's data over the parent's; what is wrong in the child's stays wrong, for the types to refuse."""
    if not isinstance(child, dict):
        return Merged(child)
    base = {name: value for name, value in parent.to_data().items() if name not in _OWN}
    limit = child.get("fromOptionVersionConstraint")
    if isinstance(limit, str) and "options" in base:
        base["options"] = [option for option in base["options"] if matches(option["version"], limit)]
    if isinstance(child.get("name"), str):
        for item in base.get("derivatives", ()):
            item["name"] = child["name"] + item["name"].removeprefix(parent.name)
    if _chooses(child.get("options")):
        for option in base.get("options", ()):
            option.pop("default", None)
    merged = Merged(None)
    merged.data = _merge(merged, base, child, (), ())
    return merged


def _chooses(options: Any) -> bool:
    return isinstance(options, list) and any(isinstance(item, dict) and item.get("default") for item in options)


def _merge(merged: Merged, base: Any, child: Any, path: Path, source: Path) -> Any:
    merged.origins[path] = source
    if isinstance(base, dict) and isinstance(child, dict):
        result = {}
        for name, value in base.items():
            if name in child:
                result[name] = _merge(merged, value, child[name], (*path, name), (*source, name))
            else:
                merged.origins[(*path, name)] = None
                result[name] = value
        return result | {name: value for name, value in child.items() if name not in base}
    if isinstance(base, list) and isinstance(child, list):
        return _merge_lists(merged, base, child, path, source)
    return child


def _merge_lists(merged: Merged, base: list[Any], child: list[Any], path: Path, source: Path) -> list[Any]:
    listed = str(path[-1])
    if listed == "labels":
        return list(dict.fromkeys([*base, *child])) if all(isinstance(label, str) for label in child) else child
    keys = [item_key(listed, item) for item in base]
    mine = {item_key(listed, item): at for at, item in enumerate(child)}
    if None in keys or None in mine:
        return child
    result = []
    for at, (key, item) in enumerate(zip(keys, base, strict=True)):
        if key in mine:
            result.append(_merge(merged, item, child[mine[key]], (*path, at), (*source, mine[key])))
        else:
            merged.origins[(*path, at)] = None
            result.append(item)
    inherited = set(keys)
    for key, position in mine.items():
        if key not in inherited:
            merged.origins[(*path, len(result))] = (*source, position)
            result.append(child[position])
    return result

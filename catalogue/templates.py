"""`{{name}}` in a manifest's text: where names stand, and how they are replaced."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from catalogue.findings import Path

_TEMPLATE = re.compile(r"\{\{([^{}]*)\}\}")


def names(text: str) -> list[str]:
    """The names that a text asks for, in their order."""
    return [name.strip() for name in _TEMPLATE.findall(text)] if "{{" in text else []


def unclosed(text: str) -> bool:
    """Whether braces are opened that hold no name."""
    return "{{" in _TEMPLATE.sub("", text)


def replace(text: str, value: Callable[[str], str]) -> str:
    """The text with every name replaced by its value."""
    return _TEMPLATE.sub(lambda found: value(found[1].strip()), text) if "{{" in text else text


def texts(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text of plain data in which a template stands, with its path."""
    if isinstance(data, str):
        if "{{" in data:
            yield path, data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from texts(value, (*path, name))
    elif isinstance(data, list | tuple):
        for at, value in enumerate(data):
            yield from texts(value, (*path, at))

"""The manifests that Berth ships: services that run without a chart, and the stacks made of them.

They are data in the public format and nothing else; no code of Berth may ask for one of them by name.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Text:
    """A manifest's text; `file` names it in findings."""

    kind: Literal["service", "stack"]
    file: str
    text: str


@lru_cache(maxsize=1)
def documents() -> tuple[Text, ...]:
    """The shipped manifests, in the order in which they can be imported: services, then stacks."""
    services = sorted(_HERE.glob("services/*/service.yml"))
    stacks = sorted(_HERE.glob("stacks/*/stack.yml"))
    return tuple(
        Text("service" if path.name == "service.yml" else "stack", str(path.relative_to(_HERE)), path.read_text())
        for path in (*services, *stacks)
    )

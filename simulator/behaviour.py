"""How containers behave: rules from outside, matched by image, and annotations on the pod itself."""

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from simulator.errors import bad_request
from simulator.kinds import Object

PREFIX = "simulator/"
START_LINES = ("starting", "reading configuration", "ready to serve")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one container does. The options of rules and annotations have the same names.

    pull: why its image cannot be pulled; empty when it can. start: seconds that it takes to start beyond the usual.
    ready: seconds from start to ready, or "never". exit: its exit code (it runs for ever when empty), `after` seconds
    past its start. first: what it says at its start, all at one moment, in place of some lines of its own: bytes as
    `printf %b` takes them (`\\n`, `\\r`, `\\t`, `\\0377`), which may end without a newline; last: its last lines, said
    just before its end, with the same escapes. rate: lines a second; line: their text, with {n} and {name}.
    sigterm: "ignore" to sit out the grace period. unschedulable: why no node takes the pod; empty when one does.
    """

    pull: str = ""
    start: float = 0.0
    ready: str = ""
    exit: str = ""
    after: float = 1.0
    first: str | None = None
    last: str = ""
    rate: float = 1.0
    line: str = "{name} line {n}"
    sigterm: str = ""
    unschedulable: str = ""


_NUMBERS = {"start", "after", "rate"}
OPTIONS = frozenset(Behaviour.__dataclass_fields__)


def read(options: dict[str, Any]) -> dict[str, Any]:
    """Options as Behaviour has them; `crash: N` is short for `exit: N`. Raises a 400 for others."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        name = "exit" if name == "crash" else name
        if name not in OPTIONS:
            raise bad_request(f"unknown behaviour {name!r}: one of {', '.join(sorted(OPTIONS))}")
        try:
            found[name] = float(value) if name in _NUMBERS else str(value)
        except ValueError:
            raise bad_request(f"behaviour {name} must be a number, not {value!r}") from None
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """Options for the containers whose image (and namespace) match the globs."""

    image: str = "*"
    namespace: str = "*"
    options: dict[str, Any] = field(default_factory=dict)


class Behaviours:
    """The rules, in order: a later one wins, and annotations win over all of them."""

    def __init__(self) -> None:
        self.rules: list[Rule] = [Rule("*busybox*", "*", {"rate": 5.0})]

    def add(self, image: str = "*", namespace: str = "*", **options: Any) -> None:
        self.rules.append(Rule(image, namespace, read(options)))

    def clear(self) -> None:
        """Back to the rules of the beginning."""
        self.rules = [Rule("*busybox*", "*", {"rate": 5.0})]

    def of(self, pod: Object, container: Object) -> Behaviour:
        """What this container of this pod does from now on.

        An annotation `simulator/<option>` speaks for all containers, `simulator/<option>.<container>` for one.
        """
        image, namespace = container.get("image", ""), pod["metadata"].get("namespace", "")
        options: dict[str, Any] = {}
        if pod["spec"].get("restartPolicy") in {"Never", "OnFailure"}:
            options["exit"] = "0"
        for rule in self.rules:
            if fnmatchcase(image, rule.image) and fnmatchcase(namespace, rule.namespace):
                options |= rule.options
        for name, value in (pod["metadata"].get("annotations") or {}).items():
            if name.startswith(PREFIX):
                option, _, only = name.removeprefix(PREFIX).partition(".")
                if (option in OPTIONS or option == "crash") and only in {"", container["name"]}:
                    options |= read({option: value})
        return replace(Behaviour(), **options)

    def finishing(self, behaviour: Behaviour, seconds: float) -> Behaviour:
        """The same, but ending well after a time, as init containers do."""
        return replace(behaviour, exit="0", after=seconds)

"""Faults that a test or an operator switches on, each for a number of requests or until it is switched off."""

from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal

from simulator.errors import StatusError, bad_request
from simulator.kinds import Object

Name = Literal["slow", "status", "refuse", "cut", "end", "text", "silence", "deny", "hold"]
_STATUS = {
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", "forbidden: switched on as a fault"),
    409: (
        "Conflict",
        "Operation cannot be fulfilled: the object has been modified; please apply your changes to the "
        "latest version and try again",
    ),
    410: ("Expired", "The provided continue parameter is too old to display a consistent list result."),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: switched on as a fault"),
    503: ("ServiceUnavailable", "apiserver not ready"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


@dataclass(slots=True)
class Fault:
    """One fault and the requests it befalls (globs; a request has the verb names that RBAC has).

    `slow` waits `seconds` before the answer; `status` answers `code` (429 and 503 with Retry-After `seconds`);
    `refuse` drops the connection unanswered; `cut` sends half of the answer, or drops a stream after `seconds`; `end`
    ends a stream cleanly after `seconds`; `text` answers a log request with 200 and `message`, as a kubelet does that
    fails after the headers; `silence` holds back the events of watches and the lines of logs; `deny` is a permission
    that is missing (403, and in access reviews);
    `hold` puts a finalizer (`path` is then a glob of `<resource>/<name>`) on every new object, which nobody removes.
    """

    fault: Name
    verb: str = "*"
    path: str = "*"
    times: int | None = None
    seconds: float = 1.0
    code: int = 500
    message: str = "failed to create fsnotify watcher: too many open files"

    def befalls(self, verb: str, path: str) -> bool:
        return fnmatchcase(verb, self.verb) and fnmatchcase(path, self.path)


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self.on: list[Fault] = []

    def add(self, **options: Any) -> Fault:
        """Switches a fault on. Raises a 400 for one that does not exist."""
        known = {field.name for field in fields(Fault)}
        if not options.keys() <= known or options.get("fault") not in Name.__args__:  # type: ignore[attr-defined]
            raise bad_request(f"a fault is one of {Name.__args__} with {sorted(known)}")  # type: ignore[attr-defined]
        fault = Fault(**options)
        self.on.append(fault)
        return fault

    def clear(self) -> None:
        """Switches every fault off."""
        self.on.clear()

    def find(self, name: Name, verb: str, path: str) -> Fault | None:
        """The first fault of this name that befalls the request; it counts as one of its times."""
        for fault in self.on:
            if fault.fault == name and fault.befalls(verb, path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.on.remove(fault)
                return fault
        return None

    def active(self, name: Name, verb: str, path: str) -> bool:
        """The same question without counting."""
        return any(fault.fault == name and fault.befalls(verb, path) for fault in self.on)

    def shown(self) -> list[Object]:
        return [asdict(fault) for fault in self.on]


def refusal(fault: Fault, verb: str) -> StatusError:
    """The Status that a `status` fault answers to a request of this verb."""
    reason, message = _STATUS.get(fault.code, ("", "switched on as a fault"))
    if (fault.code, verb) == (410, "watch"):
        message = "too old resource version: 1 (2)"
    after = max(1, round(fault.seconds)) if fault.code in {429, 503} else None
    return StatusError(fault.code, reason, message, None, after)

"""What an app service may be set to: checks of one value against its service's and its stack's manifests."""

import re
from collections.abc import Iterable

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest, StackService
from rules.names import VARIABLE
from rules.refusals import Refused

_VARIABLE = re.compile(VARIABLE)
_RESERVED = "BERTH"
_LARGEST_VALUE = 32 * 1024
_MOST_VARIABLES = 200
_MOST_REPLICAS = 100


def options(manifest: ServiceManifest, stack_service: StackService) -> list[str]:
    """The versions one may choose: those the stack lists, else all that the service offers."""
    return [option.version for option in stack_service.options] or [option.version for option in manifest.options]


def check_version(manifest: ServiceManifest, stack_service: StackService, version: str, path: str) -> None:
    """Raises: Refused INVALID_INPUT for a version that is not offered."""
    offered = options(manifest, stack_service)
    if version not in offered:
        known = f"It offers {', '.join(offered)}." if offered else "It has no versions to choose from."
        raise Refused(
            "INVALID_INPUT", f"The service {stack_service.name!r} has no version {version[:40]!r}.", known, path
        )


def check_replicas(manifest: ServiceManifest, name: str, replicas: int, path: str) -> None:
    """Raises: Refused INVALID_INPUT; a service that is not scalable runs once or not at all."""
    most = _MOST_REPLICAS if manifest.scalable else 1
    if not 0 <= replicas <= most:
        why = "" if manifest.scalable else " because it is not scalable"
        raise Refused("INVALID_INPUT", f"The service {name!r} takes 0 to {most} replicas{why}.", "", path)


def check_disabled(required: bool, main: bool, name: str, path: str) -> None:
    """Raises: Refused INVALID_INPUT for a service that the instance cannot do without."""
    if required or main:
        why = "the stack requires it" if required else "it is the main one"
        raise Refused("INVALID_INPUT", f"The service {name!r} cannot be switched off: {why}.", "", path)


def check_variables(variables: Iterable[tuple[str, str]], path: str) -> None:
    """Raises: Refused INVALID_INPUT for a name that no variable may have, a doubled one, or too large a value."""
    seen: set[str] = set()
    for name, value in variables:
        if not _VARIABLE.fullmatch(name):
            rule = "Use letters, digits, underscores, hyphens and dots, not starting with a digit or two dots."
            raise Refused("INVALID_INPUT", f"{name[:80]!r} is not a variable's name.", rule, path)
        if name.startswith(_RESERVED):
            raise Refused("INVALID_INPUT", f"{name!r} is reserved: Berth sets {_RESERVED}* itself.", "", path)
        if name in seen:
            raise Refused("INVALID_INPUT", f"The variable {name!r} is given twice.", "Give each once.", path)
        if len(value.encode()) > _LARGEST_VALUE or "\x00" in value:
            raise Refused("INVALID_INPUT", f"The value of {name!r} is over 32 KiB or holds a NUL.", "", path)
        seen.add(name)
    if len(seen) > _MOST_VARIABLES:
        raise Refused("INVALID_INPUT", f"At most {_MOST_VARIABLES} variables fit an app service.", "", path)


def stack_service_of(stack: StackManifest, name: str) -> StackService | None:
    """The stack service that an app service comes from: its own, or the one whose derivative it is."""
    direct = stack.service(name)
    if direct is not None:
        return direct
    return next((one for one in stack.services if any(item.name == name for item in one.derivatives)), None)

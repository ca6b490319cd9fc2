"""What a stack runs beside what the catalogue has by now."""

from collections.abc import Mapping

from catalogue.stacks import StackManifest


def outdated(stack: StackManifest, used: Mapping[str, int], latest: Mapping[str, int]) -> tuple[str, ...]:
    """The names of the stack services whose service has a newer revision; disabled ones count, pinned ones do not.

    `used` holds the number of the revision that each stack service runs, by its name; `latest` the newest number of
    each service, by the catalogue's name. The stack is outdated when there is any.
    """
    return tuple(
        service.name
        for service in stack.services
        if not service.service_rev_pinned
        and service.pinned_version is None
        and service.name in used
        and latest.get(service.service_name, 0) > used[service.name]
    )

"""Which services wait for which: the order to apply them in, and the circles that allow none."""

from collections.abc import Iterable, Mapping


def waiting_order(waits: Mapping[str, Iterable[str]]) -> list[str]:
    """The names, each after those it waits for, else in the order given. A circle is cut at its last name."""
    done: dict[str, None] = {}
    entered: set[str] = set()

    stack: list[tuple[str, bool]] = [(name, False) for name in reversed(list(waits))]
    while stack:
        name, ready = stack.pop()
        if ready:
            done[name] = None
        elif name not in entered:
            entered.add(name)
            stack.append((name, True))
            stack += [(other, False) for other in reversed(list(waits[name])) if other in waits]
    return list(done)


def circles(waits: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Each circle once, as names of which each waits for the next and the last for the first."""
    found: list[list[str]] = []
    finished: set[str] = set()
    for start in waits:
        if start in finished:
            continue
        trail = {start: None}
        choices = [iter(waits[start])]
        while choices:
            following = next(choices[-1], None)
            if following is None:
                choices.pop()
                finished.add(trail.popitem()[0])
            elif following in trail:
                names = list(trail)
                found.append(names[names.index(following) :])
            elif following in waits and following not in finished:
                trail[following] = None
                choices.append(iter(waits[following]))
    return found

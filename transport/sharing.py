"""Answers of events that several viewers get, kept for a moment, so that each is made once and sent many times."""

from collections import OrderedDict

MOST_CHARACTERS = 16 * 1024 * 1024
"""Of all kept answers: some seconds of very busy logs, and more than the slowest of the healthy viewers is behind."""


class Answers:
    """JSON texts by event and selection; the oldest are forgotten first.

    An event is known by its identity, and held as long as an answer of it is, so that no other can be taken for it.
    """

    def __init__(self, most: int = MOST_CHARACTERS) -> None:
        self._most = most
        self._characters = 0
        self._kept: OrderedDict[tuple[int, bytes], tuple[object, str]] = OrderedDict()

    def get(self, event: object, selection: bytes) -> str | None:
        """The answer that was made of this event for this selection; None when there is none any more."""
        kept = self._kept.get((id(event), selection))
        return kept[1] if kept else None

    def keep(self, event: object, selection: bytes, answer: str) -> None:
        """Keep the answer, where it is not larger than all that may be kept. The first one counts."""
        if len(answer) > self._most or (id(event), selection) in self._kept:
            return
        self._characters += len(answer)
        self._kept[id(event), selection] = event, answer
        while self._characters > self._most:
            _, (_, forgotten) = self._kept.popitem(last=False)
            self._characters -= len(forgotten)

"""Subscriptions from a terminal: server-sent events that go on behind their cursor whenever the connection is cut."""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from command.remote import Remote, RemoteError

Event = dict[str, Any]
SILENCE = 45.0
"""Seconds without anything, heartbeats included, after which a connection counts as dead."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class _Cut(Exception):  # noqa: N818 - it is what happened
    """The stream ended without a last event; the same may be asked again."""


def follow(
    remote: Remote, document: str, variables: Mapping[str, Any], *, tell: Callable[[str], None] | None = None
) -> Iterator[Event]:
    """The events of a subscription of one field, which takes `$after`, to its last one; each once.

    Events have `__typename`, and `cursor` where they have one. A stream that was cut, or whose last event says that
    coming back is worth while, goes on behind the last cursor; `tell` hears of it. That last event is not handed on.
    Raises: RemoteError, when the API refuses.
    """
    say = tell or _to_standard_error
    given = dict(variables)
    pause = FIRST_PAUSE
    while True:
        why, again_at_once = "the connection was lost", False
        try:
            for event in _once(remote, document, given):
                pause = FIRST_PAUSE
                given["after"] = event.get("cursor") or given.get("after")
                if event.get("endReason") == "RESYNC_REQUIRED":
                    given["after"], why = None, "what is behind it is no longer kept"
                    break
                if event.get("retryable"):
                    why, again_at_once = str(event.get("message") or event.get("endReason")), True
                    break
                yield event
            else:
                return
        except (_Cut, httpx.TransportError) as cut:
            why = f"{why} ({cut})" if str(cut) else why
        seconds = 0.0 if again_at_once and pause == FIRST_PAUSE else random.uniform(pause / 2, pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        say(f"-- {why}; following again from where it was")
        time.sleep(seconds)


def _once(remote: Remote, document: str, variables: Mapping[str, Any]) -> Iterator[Event]:
    headers = {"Authorization": f"Bearer {remote.token}", "Accept": "text/event-stream"}
    body = {"query": document, "variables": dict(variables)}
    timeout = httpx.Timeout(10, read=SILENCE)
    with httpx.stream("POST", remote.url, json=body, headers=headers, timeout=timeout) as answer:
        if "text/event-stream" not in answer.headers.get("content-type", ""):
            raise _refusal(answer.read(), answer.status_code)
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            elif line.startswith("data:") and name == "next":
                yield from _events(json.loads(line.removeprefix("data:")))
            elif name == "complete" and not line:
                return
    raise _Cut


def _events(answer: dict[str, Any]) -> Iterator[Event]:
    if errors := answer.get("errors"):
        raise _problem(errors)
    yield from (event for event in (answer["data"] or {}).values() if event is not None)


def _refusal(body: bytes, status: int) -> Exception:
    try:
        return _problem(json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError):
        return _Cut(f"it answered {status}") if status >= 500 else RemoteError(f"The API answered {status}.")


def _problem(errors: list[dict[str, Any]]) -> Exception:
    said = errors[0].get("extensions") or {}
    text = " ".join(filter(None, (str(errors[0].get("message")), said.get("remedy", ""))))
    return _Cut(text) if said.get("code") in ("UNAVAILABLE", "BUSY", "DEADLINE_EXCEEDED") else RemoteError(text)


def _to_standard_error(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)

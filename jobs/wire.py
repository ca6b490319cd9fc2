"""How jobs look in the queue: JSON, never pickles, and ids only."""

from typing import Any

import orjson


def dumps(job: dict[str, Any]) -> bytes:
    """arq's job as JSON; what JSON cannot hold (an error of a failed job) goes as its text."""
    return orjson.dumps(job, default=str)


def loads(raw: bytes) -> dict[str, Any]:
    """The job that `dumps` wrote."""
    job: dict[str, Any] = orjson.loads(raw)
    return job

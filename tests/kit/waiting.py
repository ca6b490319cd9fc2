"""Waiting for what another task does: until a condition holds, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(read: Callable[[], Awaitable[T]], wanted: T, seconds: float = 15.0) -> None:
    """Reads again and again until the answer is the wanted one; fails with the last answer at the deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await read()) != wanted:
        assert asyncio.get_running_loop().time() < deadline, f"after {seconds:g} s: {found!r}"
        await asyncio.sleep(0.01)

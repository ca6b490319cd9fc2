"""Settings that a test chooses for itself."""

from collections.abc import Callable, Iterator

import pytest

from settings import settings

Choose = Callable[..., None]


@pytest.fixture
def choose() -> Iterator[Choose]:
    """`choose(patience=0.3)` sets BERTH_PATIENCE for the length of the test."""
    with pytest.MonkeyPatch.context() as patch:

        def set_all(**values: object) -> None:
            for name, value in values.items():
                patch.setenv(f"BERTH_{name.upper()}", str(value))
            settings.cache_clear()

        yield set_all
    settings.cache_clear()

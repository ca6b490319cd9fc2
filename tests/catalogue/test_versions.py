"""Semantic versions and their ranges."""

import pytest

from catalogue.versions import matches, valid, version


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.2.3", (1, 2, 3)),
        ("v8.4", (8, 4, 0)),
        ("9", (9, 0, 0)),
        ("1.2.3-rc.1+b", (1, 2, 3)),
        ("new", None),
        ("", None),
    ],
)
def test_a_version_is_three_numbers(text: str, number: tuple[int, int, int] | None) -> None:
    assert version(text) == number


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        ("^1.2.0", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0"]),
        ("^8.3", ["8.3", "8.5"], ["8.2", "9.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0", ["0.0.1", "0.9"], ["1.0.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0", "1.9"], ["2.0"]),
        ("1.2", ["1.2.0", "1.2.9"], ["1.3.0", "1.1.9"]),
        ("1.x", ["1.0.0", "1.9"], ["2.0.0"]),
        ("=1.2.3", ["1.2.3"], ["1.2.4"]),
        (">=1.2 <2", ["1.2.0", "1.9"], ["2.0.0", "1.1"]),
        (">1.2, <=1.4", ["1.3.0", "1.4.9"], ["1.2.5", "1.5.0"]),
        ("^1.0 || ^3.0", ["1.1", "3.1"], ["2.0"]),
        ("*", ["0.0.0", "99.0"], ["new"]),
    ],
)
def test_a_range_says_which_versions_are_in_it(constraint: str, inside: list[str], outside: list[str]) -> None:
    assert valid(constraint)
    assert [text for text in inside if not matches(text, constraint)] == []
    assert [text for text in outside if matches(text, constraint)] == []


@pytest.mark.parametrize("constraint", ["", "new", "^", "1.2 || ", "!=1.0", "1.2 - 2.0", ">=a"])
def test_what_is_no_range_is_told_and_holds_nothing(constraint: str) -> None:
    assert not valid(constraint)
    assert not matches("99.0.0", constraint)

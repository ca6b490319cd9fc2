"""Cursors: what Berth made and nobody else, for one instance and one filter."""

import base64
from dataclasses import replace

import pytest

from kube.log_records import Position
from live.log_cursor import LONGEST, Place, Scope, container_key, run_key
from live.log_filter import Filter
from models.keyring import Keyring
from rules.refusals import Refused

KEYS = {"k1": b"1" * 32, "k2": b"2" * 32}
SCOPE = Scope("ins_1", Filter().digest, lambda: Keyring("k1", KEYS))
PLACES = {
    container_key("uid-1", "web"): Place(run_key("run-1"), 3, Position(10**18, 7, 2**32 - 1, 10**18)),
    container_key("uid-2", "web"): Place(run_key("run-2"), 0),
    container_key("uid-3", "web"): Place(run_key("run-3"), 1, Position(5, 1, 0, 9), before=True, ended=True),
}


def test_a_cursor_tells_every_place_to_the_line() -> None:
    read = SCOPE.read(SCOPE.write(PLACES), "after")
    assert read == PLACES
    assert [place.at and place.at.high for place in read.values()] == [10**18, None, 9]


def test_a_cursor_of_fifty_containers_fits_into_a_header() -> None:
    places = {container_key(str(number), "web"): Place(b"runs", 0, Position(1, 1, 1, 1)) for number in range(50)}
    assert len(SCOPE.write(places)) < 2_500


def refusal(text: str, scope: Scope = SCOPE) -> str:
    with pytest.raises(Refused) as caught:
        scope.read(text, "after")
    assert (caught.value.code, caught.value.path) == ("INVALID_CURSOR", "after")
    assert caught.value.remedy
    return caught.value.message


def test_a_cursor_of_another_instance_filter_or_version_says_so() -> None:
    text = SCOPE.write(PLACES)
    assert refusal(text, replace(SCOPE, instance_id="ins_2")) == "The cursor is one of another instance."
    assert refusal(text, replace(SCOPE, filter=Filter(contains="x").digest)) == "The cursor came with another filter."
    data = bytes([2]) + base64.urlsafe_b64decode(text + "==")[1:-16]
    later = base64.urlsafe_b64encode(data + KEYRING.tag("log cursor", data)).rstrip(b"=").decode()
    assert refusal(later) == "The cursor is of another version of Berth."


KEYRING = Keyring("k1", KEYS)


@pytest.mark.parametrize(
    "text", ["", "x", "AAAA", "é", "no cursor at all", "*" * 100, "A" * (LONGEST + 1), "A" * 5_000]
)
def test_what_berth_did_not_make_is_no_cursor(text: str) -> None:
    assert refusal(text).endswith("is no cursor of a log here.")


def test_a_cursor_that_was_changed_anywhere_is_no_cursor() -> None:
    text = SCOPE.write(PLACES)
    for at in range(len(text)):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        assert "is no cursor of a log here." in refusal(changed)


def test_a_cursor_outlives_a_new_key_and_dies_with_its_own() -> None:
    text = SCOPE.write(PLACES)
    assert replace(SCOPE, keyring=lambda: Keyring("k2", KEYS)).read(text, "after") == PLACES
    gone = replace(SCOPE, keyring=lambda: Keyring("k2", {"k2": KEYS["k2"]}))
    assert "is no cursor of a log here." in refusal(text, gone)


def test_equal_filters_are_one_whatever_their_order() -> None:
    names = ["a", "b", "c", "d"]
    assert Filter(pods=frozenset(names)).digest == Filter(pods=frozenset(reversed(names))).digest
    others = [
        Filter(services=frozenset({"a"})),
        Filter(containers=frozenset({"a"})),
        Filter(pods=frozenset({"a"})),
        Filter(contains="a"),
        Filter(min_level="INFO"),
        Filter(previous=True),
        Filter(),
    ]
    assert len({filter.digest for filter in others}) == len(others)

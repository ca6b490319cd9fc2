"""What a document may ask for: each limit by its exact number, and the time that the worst documents take."""

import time
from typing import Any

import pytest
from graphql import get_introspection_query

from schema.limits import Limits
from tests.transport.contract import CORE
from transport.documents import Documents, Prepared, Unprepared

BENCHMARK = "{ instances(first: 100) { nodes { id name loads app { id name } services { id name } } } }"


def documents(**limits: int) -> Documents:
    return Documents(CORE, Limits(**limits))


def refused(text: str, variables: dict[str, Any] | None = None, **limits: int) -> dict[str, Any]:
    with pytest.raises(Unprepared) as caught:
        documents(**limits).prepare(text, None, variables or {})
    extensions = dict(caught.value.errors[0].extensions or {})
    assert extensions.pop("code") == "QUERY_TOO_COMPLEX"
    assert extensions.pop("remedy").endswith(".")
    return extensions


def chain(length: int) -> str:
    links = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(length))
    return f"{links} fragment f{length} on Query {{ viewer }}"


def bomb(length: int) -> str:
    links = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(length))
    return f"{{ ...f0 }} {links} fragment f{length} on Query {{ viewer }}"


def deep(times: int) -> str:
    return "{" + "instances(first: 1) { nodes {" * times + "id" + "} }" * times + "}"


BEYOND: list[tuple[str, dict[str, Any]]] = [
    ("{" + "viewer " * 4_999 + "}", {"limit": "tokens", "value": 5_001, "max": 5_000}),
    ("{ viewer" + " " * 99_992 + "}", {"limit": "characters", "value": 100_001, "max": 100_000}),
    ("{" + " ".join(f"a{n}" for n in range(501)) + "}", {"limit": "selection", "value": 501, "max": 500}),
    ("{" + "viewer " * 21 + "}", {"limit": "repeats", "value": 21, "max": 20}),
    (
        "{" + "instances { pageInfo { hasNextPage } nodes { id id } } " * 11 + "}",
        {"limit": "repeats", "value": 22, "max": 20},
    ),
    (deep(6), {"limit": "depth", "value": 13, "max": 12}),
    ("{" + " ".join(f"a{n}: viewer" for n in range(101)) + "}", {"limit": "aliases", "value": 101, "max": 100}),
    (bomb(10), {"limit": "selections", "value": 1 + 3 * 2**10 - 2, "max": 2_000}),
    ("{ ... { ...f0 } }" + chain(99), {"limit": "nesting", "value": 101, "max": 100}),
    ("{ ...f0 }" + chain(100), {"limit": "fragments", "value": 101, "max": 100}),
    (" ".join(f"query q{n} {{ viewer }}" for n in range(51)), {"limit": "operations", "value": 51, "max": 50}),
    ("{ viewer " + "@a " * 201 + "}", {"limit": "directives", "value": 201, "max": 200}),
    ("{ echo(text: [" + "1 " * 200 + "]) }", {"limit": "literals", "value": 201, "max": 200}),
    (
        "{ instances(first: 100) { nodes { instances(first: 10) { nodes { id } } } } }",
        {"limit": "cost", "value": 1 + 100 * (1 + 1 + 10), "max": 1_000},
    ),
    (
        "{ a: instances { nodes { instances { nodes { instances { edges { cursor } } } } } } }",
        {"limit": "cost", "value": 1 + 25 * (1 + 1 + 25 * (1 + 1 + 25)), "max": 1_000},
    ),
    ("{" + "{".join(["viewer"] * 500), {"limit": "nesting", "value": 101, "max": 100}),
    (
        "{" + " ".join(f"a{n}: __schema {{ types {{ fields {{ args {{ name }} }} }} }}" for n in range(100)) + "}",
        {"limit": "introspection"},
    ),
]


@pytest.mark.parametrize(("text", "expected"), BEYOND, ids=[each["limit"] for _, each in BEYOND])
def test_a_document_beyond_a_limit_is_refused_with_the_numbers(text: str, expected: dict[str, Any]) -> None:
    found = refused(text)
    assert found == expected or found["limit"] == expected["limit"] == "introspection"


WITHIN = [
    "{" + "viewer " * 20 + "}",
    deep(5),
    "{" + " ".join(f"a{n}: viewer" for n in range(100)) + "}",
    BENCHMARK,
    get_introspection_query(),
    "{ ...f0 }" + chain(97),
    "query ($n: Int = 100) { instances(first: $n) { edges { node { id app { id } } } } }",
]


@pytest.mark.parametrize("text", WITHIN, ids=range(len(WITHIN)))
def test_a_document_within_the_limits_is_prepared(text: str) -> None:
    assert isinstance(documents().prepare(text, None, {}), Prepared)


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ viewer }", 0),
        ("{ node(id: 1) { id } }", 1),
        ("{ instances { pageInfo { hasNextPage } } }", 2),
        ("{ instances(last: 3) { nodes { id } } }", 4),
        ("{ instances(first: 3) { ...P } } fragment P on InstanceConnection { edges { node { app { id } } } }", 7),
        (BENCHMARK, 1 + 100 * (1 + 1 + 5)),
        ("query ($n: Int = 9) { instances(first: $n) { nodes { id } } }", 10),
        ("{ __schema { types { name } } __typename }", 0),
    ],
)
def test_objects_are_counted_by_pages_and_leaves_are_free(text: str, cost: int) -> None:
    assert documents(cost=cost).prepare(text, None, {})
    if cost:
        assert refused(text, cost=cost - 1) == {"limit": "cost", "value": cost, "max": cost - 1}


def test_page_sizes_in_variables_count_each_time_they_come() -> None:
    text = "query ($n: Int) { instances(first: $n) { nodes { app { id } } } }"
    known = documents()
    assert known.prepare(text, None, {"n": 100}).variables == {"n": 100}
    with pytest.raises(Unprepared) as caught:
        known.prepare(text, None, {"n": 10**12})
    assert (caught.value.errors[0].extensions or {})["value"] == 2_000_001


def test_too_many_values_in_variables_are_refused_before_they_are_read() -> None:
    text = "query ($n: [Int]) { viewer }"
    assert refused("{ viewer }", {"n": list(range(10_000))}) == {"limit": "variables", "value": 10_002, "max": 10_000}
    with pytest.raises(Unprepared, match=r"Variable '\$n' is never used"):
        documents().prepare(text, None, {})


def test_a_fragment_in_itself_is_an_error_of_the_document() -> None:
    with pytest.raises(Unprepared) as caught:
        documents().prepare("{ ...f } fragment f on Query { ...g } fragment g on Query { viewer ...f }", None, {})
    assert caught.value.errors[0].formatted["message"] == "Cannot spread fragment 'f' within itself."
    assert caught.value.errors[0].extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_a_known_text_is_not_read_again() -> None:
    known = documents()
    first, second = (known.prepare(BENCHMARK, None, {}) for _ in range(2))
    assert first.document is second.document
    assert first.plan is second.plan is not None


SLOW = [
    '{ echo(text: "' + "\\n" * 49_900 + '") }',
    "{ viewer #" + "x" * 99_900 + "\n}",
    "{ viewer " + "," * 1_000_000 + "}",
    '{ echo(text: """' + "x\n" * 490_000 + '""") }',
    "{ echo(times: " + "9" * 999_000 + ") }",
    "{" + " ".join(f"viewe{n}" for n in range(500)) + "}",
    "{ a" * 20_000,
    "{ echo(text: " + "[" * 90_000,
    "query (" + " ".join(f"$a{n}: Int" for n in range(1_200)) + ") { viewer }",
    "{" + ("...{" * 95 + "viewer" + "}" * 95) * 15 + "}",
    bomb(90),
    "{"
    + " ".join(f"...f{n}" for n in range(99))
    + "}"
    + " ".join(f"fragment f{n} on Query {{ a{n}: viewer }}" for n in range(99)),
    "{" + "instances { nodes { id name services { id name } } }" * 20 + "}",
    "{" + "viewer " * 4_990 + "}",
]


@pytest.mark.parametrize("text", SLOW, ids=range(len(SLOW)))
def test_the_worst_documents_cost_less_than_a_tenth_of_a_second(text: str) -> None:
    known = documents()
    spent = []
    for _ in range(3):
        began = time.process_time()
        with pytest.raises(Unprepared):
            known.prepare(text + " fragment unused on Query { viewer }", None, {})
        spent.append(time.process_time() - began)
    assert min(spent) < 0.1

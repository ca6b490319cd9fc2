"""YAML as plain data: what is understood, what is refused, and in which line."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.documents import LIMIT_ALIASED, LIMIT_DEPTH, LIMIT_TEXT, LIMIT_VALUES, read_document
from catalogue.findings import Code, Finding


def refused(text: str) -> tuple[int, str, Code]:
    read = read_document(text, "service.yml")
    assert read.value is None
    (finding,) = read.findings
    assert finding.file == "service.yml"
    assert finding.message.endswith(".")
    assert finding.remedy
    return finding.line, finding.path, finding.code


def test_every_value_and_key_has_its_line() -> None:
    document = read_document("name: web\nlinks:\n- name: db\n\n- name: cache\n", "service.yml").value
    assert document is not None
    assert document.data == {"name": "web", "links": [{"name": "db"}, {"name": "cache"}]}
    assert [document.line(path) for path in (("name",), ("links",), ("links", 0), ("links", 1, "name"))] == [1, 2, 3, 5]


def test_a_path_that_the_text_lacks_is_in_the_line_of_what_is_around_it() -> None:
    document = read_document("name: web\nlinks:\n- name: db\n", "service.yml").value
    assert document is not None
    assert document.line(("links", 0, "selectors", 2)) == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-17", -17),
        ("0.5", 0.5),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("'8.4'", "8.4"),
        ('"yes"', "yes"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2028-06-04", "2028-06-04"),
        ("1" * 40, "1" * 40),
        (".nan", ".nan"),
        ("<<", "<<"),
        ("0 0 * * *", "0 0 * * *"),
    ],
)
def test_plain_words_become_numbers_and_truth_values_and_nothing_else(text: str, value: object) -> None:
    document = read_document(f"key: {text}\n", "service.yml").value
    assert document is not None
    assert document.data == {"key": value}


def test_an_alias_repeats_what_its_anchor_names() -> None:
    document = read_document("a: &one {x: [1]}\nb: *one\n", "service.yml").value
    assert document is not None
    assert document.data == {"a": {"x": [1]}, "b": {"x": [1]}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: web\ntitle: Web\nname: other\n", (3, "name", Code.DUPLICATE_KEY)),
        ("links:\n- name: a\n  title: b\n  name: c\n", (4, "links[0].name", Code.DUPLICATE_KEY)),
        ("1: one\n", (1, "", Code.KEY_NOT_TEXT)),
        ("env:\n  yes: one\n", (2, "env", Code.KEY_NOT_TEXT)),
        ("? [a]\n: one\n", (1, "", Code.KEY_NOT_TEXT)),
        ("a: 1\n---\nb: 2\n", (2, "", Code.SEVERAL_DOCUMENTS)),
        ("name: !!python/object/apply:os.system [id]\n", (1, "name", Code.TAG_REFUSED)),
        ("a:\n- !!str 1\n", (2, "a[0]", Code.TAG_REFUSED)),
        ("a: !x {}\n", (1, "a", Code.TAG_REFUSED)),
        ("a: &a [*a]\n", (1, "a[0]", Code.TOO_MANY_ALIASES)),
        ("a: *nothing\n", (1, "a", Code.TOO_MANY_ALIASES)),
        ("a: [1\n", (2, "", Code.NOT_YAML)),
        ("a: b: c\n", (1, "", Code.NOT_YAML)),
        ("\tname: web\n", (1, "", Code.NOT_YAML)),
        ("name: \x00\n", (0, "", Code.NOT_YAML)),
        ("name: \ud800\n", (0, "", Code.NOT_YAML)),
    ],
)
def test_what_is_no_manifests_yaml_is_one_finding_with_its_line(text: str, place: tuple[int, str, Code]) -> None:
    assert refused(text) == place


def test_the_message_of_a_repeated_key_names_the_first_line() -> None:
    assert read_document("name: web\nname: other\n", "a/service.yml").findings == (
        Finding(
            "a/service.yml",
            2,
            "name",
            Code.DUPLICATE_KEY,
            "The key 'name' stands twice in one mapping, first in line 1.",
            "Keep one of them.",
        ),
    )


def test_values_nest_fifty_deep_and_no_deeper() -> None:
    assert read_document("[" * LIMIT_DEPTH + "]" * LIMIT_DEPTH, "service.yml").findings == ()
    assert refused("[" * (LIMIT_DEPTH + 1))[2] == Code.TOO_DEEP
    assert refused("[" * LIMIT_TEXT)[2] == Code.TOO_DEEP
    assert refused("a: " + "{a: " * 100)[2] == Code.TOO_DEEP


def test_aliases_cannot_nest_deeper_than_text_can() -> None:
    lines = ["l0: &l0 [x]"] + [f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, LIMIT_DEPTH + 1)]
    assert refused("\n".join(lines))[2] == Code.TOO_DEEP


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 40)]
    started = time.process_time()
    assert refused("\n".join(lines)) == (5, "l4[0]", Code.TOO_MANY_ALIASES)
    assert time.process_time() - started < 0.2


def test_many_small_aliases_count_together() -> None:
    text = "a: &a x\nb:\n" + "- *a\n" * (LIMIT_ALIASED + 1)
    assert refused(text) == (LIMIT_ALIASED + 3, f"b[{LIMIT_ALIASED}]", Code.TOO_MANY_ALIASES)


def test_a_long_text_is_not_repeated_until_it_fills_the_memory() -> None:
    text = "a: &a " + "x" * 900_000 + "\nb:\n" + "- *a\n" * 1000
    assert refused(text) == (3, "b[0]", Code.TOO_MANY_ALIASES)


def test_five_megabytes_cost_nothing() -> None:
    text = "a: b\n" * 1_000_000
    started = time.process_time()
    assert refused(text) == (0, "", Code.TOO_LARGE)
    assert time.process_time() - started < 0.05


def test_a_megabyte_is_measured_in_bytes() -> None:
    assert refused("a: '" + "é" * 500_000 + "'")[2] == Code.TOO_LARGE


def test_a_plain_manifest_of_a_megabyte_is_read_in_reasonable_time() -> None:
    item = "- name: variable\n  value: " + "some text " * 10 + "\n"
    text = "env:\n" + item * ((LIMIT_TEXT - 10) // len(item))
    started = time.process_time()
    assert read_document(text, "service.yml").findings == ()
    assert time.process_time() - started < 3


def test_more_values_than_any_manifest_has_are_refused() -> None:
    assert refused("[" + "1," * (LIMIT_VALUES + 1) + "]")[2] == Code.TOO_LARGE


def test_what_a_finding_says_stays_short() -> None:
    (finding,) = read_document(f"{'x' * 1000}: 1\n" * 2, "service.yml").findings
    assert (len(finding.path), len(finding.message)) == (80, 600)


_PIECES = [
    *("a", "b: ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "&x ", "*x ", "!!int ", "'", '"', "|\n", "? ", "---\n"),
    *("#", "%", "@", ">", "\t", "\\u", "é", "\x07", "\ufeff", "<<: ", "...\n", "~", "1e9", "yes"),
]
_YAML = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), _YAML))
def test_no_text_gives_anything_but_a_document_or_one_finding(text: str) -> None:
    read = read_document(text, "service.yml")
    assert (read.value is None) == (len(read.findings) == 1)
    assert len(read.findings) <= 1

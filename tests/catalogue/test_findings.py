"""The closed list of findings, and how they are written."""

import re
from pathlib import Path

from catalogue.findings import Code, Finding, finding, path_text


def test_every_code_is_described_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "manifests.md").read_text()
    assert re.findall(r"^\| ([A-Z_]+) \|", page, re.MULTILINE) == [code.value for code in Code]


def test_a_finding_reads_as_one_line() -> None:
    told = finding(
        "a/service.yml", 7, ("links", 0, "env", 1, "value"), Code.UNKNOWN_TEMPLATE, "It is unknown.", "Fix it."
    )
    assert str(told) == "a/service.yml:7: links[0].env[1].value: UNKNOWN_TEMPLATE It is unknown. (Fix it.)"
    assert str(Finding("a", 1, "", Code.NOT_YAML, "No.", "Yes.")) == "a:1: .: NOT_YAML No. (Yes.)"


def test_a_path_is_written_as_people_write_it() -> None:
    assert path_text(()) == ""
    assert path_text(("a",)) == "a"
    assert path_text(("a", 0, "b", 1, 2)) == "a[0].b[1][2]"
    assert path_text((0, "a")) == "[0].a"


def test_findings_are_ordered_by_file_and_line() -> None:
    first, second = Finding("a", 2, "", Code.CYCLE, "", ""), Finding("a", 10, "", Code.CYCLE, "", "")
    assert sorted([second, first]) == [first, second]

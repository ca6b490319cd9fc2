"""Whole sets of manifests: files, folders and indexes, in any order."""

import itertools
import json
import os
from pathlib import Path

import pytest

from catalogue.check import check, lines, main
from catalogue.documents import LIMIT_TEXT
from catalogue.findings import Code
from tests.catalogue.made import web

CHILD = "name: shop\ntitle: Shop\ntype: service\nfrom: {}\n"
STACK = "name: {}\ntitle: A\nservices:\n- {{name: a, title: A, service: {}}}\n"


def write(folder: Path, **texts: str) -> Path:
    """Files by their names, in which __ stands for a slash."""
    for name, text in texts.items():
        path = folder / (name.replace("__", "/") + ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def found(*paths: Path) -> list[tuple[str, int, str, Code]]:
    return [
        (os.path.relpath(finding.file, paths[0]), finding.line, finding.path, finding.code)
        for finding in check(map(str, paths)).findings
    ]


def test_a_folder_is_everything_below_it(tmp_path: Path) -> None:
    write(tmp_path, a__b__service=web(), c__stack=STACK.format("site", "web"), c__readme="x: [", d__other="x: [")
    checked = check([str(tmp_path)])
    assert checked.findings == ()
    assert checked.status == 0
    assert [service.name for service in checked.services] == ["web"]
    assert [stack.name for stack in checked.stacks] == ["site"]
    assert [os.path.relpath(source.document.file, tmp_path) for source in checked.order] == [
        "a/b/service.yml",
        "c/stack.yml",
    ]


def test_the_order_of_the_paths_does_not_matter(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__service=CHILD.format("web").replace("name: shop", "name: last").replace("from: web", "from: shop"),
        b__service=CHILD.format("web"),
        c__service=web(),
        d__stack=STACK.format("site", "last"),
    )
    paths = [str(tmp_path / name) for name in ("a/service.yml", "b/service.yml", "c/service.yml", "d/stack.yml")]
    for order in itertools.permutations(paths):
        checked = check(order)
        assert checked.findings == ()
        assert [service.name for service in checked.services] == ["web", "shop", "last"]
        assert [os.path.relpath(source.document.file, tmp_path)[0] for source in checked.order] == ["c", "b", "a", "d"]


def test_an_index_says_what_its_folder_holds(tmp_path: Path) -> None:
    index = "version: 1\nservices:\n- 11\n- web\n"
    write(
        tmp_path, **{"index": index, "11__service": CHILD.format("web"), "web__service": web(), "not__service": "x: ["}
    )
    assert [service.name for service in check([str(tmp_path)]).services] == ["web", "shop"]
    assert [service.name for service in check([str(tmp_path / "index.yml")]).services] == ["web", "shop"]


def test_an_index_of_stacks_is_read_beside_services(tmp_path: Path) -> None:
    write(tmp_path, a__index="stacks:\n- 1\n", a__1__stack=STACK.format("site", "web"), b__service=web())
    assert [stack.name for stack in check([str(tmp_path)]).stacks] == ["site"]


@pytest.mark.parametrize(
    ("index", "place"),
    [
        ("services:\n- none\n", (2, "services[0]", Code.BROKEN_REFERENCE)),
        ("services:\n- web\n- ../web\n", (3, "services[1]", Code.BROKEN_REFERENCE)),
        ("services:\n- /web\n", (2, "services[0]", Code.BROKEN_REFERENCE)),
        ("services:\n- true\n", (2, "services[0]", Code.BROKEN_REFERENCE)),
        ("services:\n- {}\n", (2, "services[0]", Code.BROKEN_REFERENCE)),
        ("services: none\n", (1, "services[0]", Code.BROKEN_REFERENCE)),
        ("folders: [web]\n", (1, "folders", Code.UNKNOWN_FIELD)),
        ("- web\n", (1, "", Code.NOT_A_MANIFEST)),
        ("services: [\n", (2, "", Code.NOT_YAML)),
    ],
)
def test_what_is_wrong_in_an_index_is_a_finding(tmp_path: Path, index: str, place: tuple[int, str, Code]) -> None:
    write(tmp_path, index=index, web__service=web())
    assert found(tmp_path) == [("index.yml", *place)]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a__service=web())
    checked = check([str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "service.yml")])
    assert checked.findings == ()
    assert len(checked.services) == 1


def test_a_file_of_another_name_is_what_it_looks_like(tmp_path: Path) -> None:
    write(tmp_path, nginx=web(), site=STACK.format("site", "web"))
    checked = check([str(tmp_path / "site.yml"), str(tmp_path / "nginx.yml")])
    assert ([one.name for one in checked.services], [one.name for one in checked.stacks]) == (["web"], ["site"])


def test_two_services_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, a__service=web(), b__service=web())
    assert found(tmp_path) == [("b/service.yml", 1, "name", Code.DUPLICATE_NAME)]
    assert len(check([str(tmp_path)]).order) == 2


@pytest.mark.parametrize("text", ["title: Web\n", "7\n", "name: 7\n", "- a\n"])
def test_a_service_without_a_name_is_looked_at_too(tmp_path: Path, text: str) -> None:
    write(tmp_path, service=text)
    assert check([str(tmp_path)]).status == 1


def test_a_folder_that_cannot_be_listed_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> None:
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr("os.scandir", refuse)
    (finding,) = check([str(tmp_path)]).findings
    assert (finding.file, finding.code) == (str(tmp_path), Code.UNREADABLE)
    assert finding.message == "It cannot be opened: permission denied."


def test_services_that_inherit_from_each_other_are_one_finding(tmp_path: Path) -> None:
    write(tmp_path, a__service=CHILD.format("other"), b__service=CHILD.format("shop").replace("shop", "other", 1))
    assert found(tmp_path) == [("a/service.yml", 4, "from", Code.CYCLE)]
    write(tmp_path, b__service=CHILD.format("other").replace("shop", "other", 1), a__service=web())
    assert found(tmp_path) == [("b/service.yml", 4, "from", Code.CYCLE)]


def test_a_missing_parent_and_a_missing_service_are_one_finding_each(tmp_path: Path) -> None:
    write(tmp_path, a__service=CHILD.format("none"), b__stack=STACK.format("site", "none"))
    assert found(tmp_path) == [
        ("a/service.yml", 4, "from", Code.UNKNOWN_PARENT),
        ("b/stack.yml", 4, "services[0].service", Code.UNKNOWN_SERVICE),
    ]


def test_those_who_name_what_has_findings_are_told_which(tmp_path: Path) -> None:
    write(tmp_path, a__service=web("x: 1"), b__service=CHILD.format("web"), c__stack=STACK.format("site", "shop"))
    assert found(tmp_path) == [
        ("a/service.yml", 10, "x", Code.UNKNOWN_FIELD),
        ("b/service.yml", 4, "from", Code.FAULTY_SERVICE),
        ("c/stack.yml", 4, "services[0].service", Code.FAULTY_SERVICE),
    ]


def test_a_parent_has_one_version_in_a_set_and_newer_pins_are_not_there(tmp_path: Path) -> None:
    for name, pinned in (("a", "1.0.1"), ("b", "2.0.1"), ("c", "1.0.1")):
        text = CHILD.format("web").replace("shop", name) + f"fromVersion: {pinned}\n"
        write(tmp_path, **{f"{name}__service": text, "web__service": web()})
    assert found(tmp_path) == [("b/service.yml", 5, "fromVersion", Code.UNKNOWN_PARENT_VERSION)]
    assert [service.name for service in check([str(tmp_path)]).services] == ["web", "a", "c"]


def test_a_stack_may_pin_a_version_that_the_service_offers(tmp_path: Path) -> None:
    write(tmp_path, a__service=web("options: [{version: '8.3'}]"), b__stack=STACK.format("site", "'web:8.3'"))
    assert found(tmp_path) == []
    write(tmp_path, b__stack=STACK.format("site", "'web:8.4'"))
    assert found(tmp_path) == [("b/stack.yml", 4, "services[0].service", Code.UNKNOWN_SERVICE)]


def test_what_cannot_be_read_is_told_apart_from_what_is_wrong(tmp_path: Path) -> None:
    missing = check([str(tmp_path / "none.yml")])
    assert [finding.code for finding in missing.findings] == [Code.UNREADABLE]
    assert missing.status == 2
    (tmp_path / "service.yml").write_bytes(b"name: \xff\xfe\n")
    assert found(tmp_path) == [("service.yml", 0, "", Code.UNREADABLE)]
    write(tmp_path, service="name: [")
    assert check([str(tmp_path)]).status == 1


def test_a_folder_without_manifests_is_told(tmp_path: Path) -> None:
    write(tmp_path, a__readme="x")
    (finding,) = check([str(tmp_path)]).findings
    assert (finding.file, finding.code) == (str(tmp_path), Code.UNREADABLE)
    assert finding.message == "There is no service.yml and no stack.yml in this folder."


def test_a_file_of_five_megabytes_is_a_finding_and_is_not_read_whole(tmp_path: Path) -> None:
    write(tmp_path, service="a: b\n" * LIMIT_TEXT)
    assert found(tmp_path) == [("service.yml", 0, "", Code.TOO_LARGE)]


def test_findings_are_lines_for_people_and_objects_for_machines(tmp_path: Path) -> None:
    write(tmp_path, service=web("colour: red"))
    file = str(tmp_path / "service.yml")
    findings = check([file]).findings
    (text,) = lines(findings)
    assert text.startswith(f"{file}:10: colour: UNKNOWN_FIELD The field 'colour' is unknown here. (")
    assert text.endswith(")")
    (line,) = lines(findings, json=True)
    assert json.loads(line) == {
        "file": file,
        "line": 10,
        "path": "colour",
        "code": "UNKNOWN_FIELD",
        "message": "The field 'colour' is unknown here.",
        "remedy": findings[0].remedy,
    }


@pytest.mark.parametrize(
    ("more", "status", "count"), [("", 0, "0 findings"), ("x: 1", 1, "1 finding"), (None, 2, "1 finding")]
)
def test_the_command_prints_findings_and_gives_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str | None, status: int, count: str
) -> None:
    if more is not None:
        write(tmp_path, service=web(more))
    assert main([str(tmp_path / "service.yml")]) == status
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == min(status, 1)
    assert printed.err.endswith(f" read, {count}.\n")

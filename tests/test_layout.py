"""The house's rules that a program can hold: who imports whom, how long a file may be, whose names are taken."""

import ast
from importlib.metadata import distributions
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    {"app", "cli", "command"},
    {"transport"},
    {"schema"},
    {"resolvers"},
    {"jobs"},
    {"live"},
    {"kube"},
    {"catalogue"},
    {"models"},
    {"rules"},
    {"reporting"},
    {"settings"},
]
APART = {"embedded": {"embedded"}, "simulator": {"simulator"}}
"""Folders that import nothing of the house."""
NEVER = {"kube": {"models"}, "catalogue": {"models"}}
ONLY_IN = {
    "strawberry": {"schema", "resolvers", "transport"},
    "kubernetes_asyncio": {"kube", "simulator"},
    "arq": {"jobs", "app"},
}
LONGEST = 300

HOUSE = {name for layer in LAYERS for name in layer} | APART.keys()
PACKAGES = {file.parent.name for file in ROOT.glob("*/__init__.py")}
FILES = [
    file.relative_to(ROOT)
    for file in (*ROOT.glob("*.py"), *(file for name in PACKAGES | {"tests"} for file in (ROOT / name).rglob("*.py")))
]


def of(file: Path) -> str:
    """The top-level name that a file belongs to."""
    return file.parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    """The top-level names that a file imports, those for type checkers only included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def level(name: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if name in layer)


OURS = [file for file in FILES if of(file) in HOUSE]


def test_every_top_level_name_has_its_place() -> None:
    assert {of(file) for file in FILES} - HOUSE == {"tests"}


def wrong(file: Path) -> set[str]:
    """What a file imports and must not."""
    name = of(file)
    used = imports(file) & HOUSE
    if name in APART:
        return used - APART[name]
    above = {other for other in used - APART.keys() if level(other) < level(name)}
    return above | used & NEVER.get(name, set()) | (set() if name == "command" else used & APART.keys())


def test_imports_only_go_down() -> None:
    assert {str(file): found for file in OURS if (found := wrong(file))} == {}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_folders(library: str) -> None:
    assert {of(file) for file in OURS if library in imports(file)} <= ONLY_IN[library]


def test_no_file_is_two_ideas() -> None:
    lengths = {str(file): len((ROOT / file).read_text().splitlines()) for file in FILES}
    assert {file: lines for file, lines in lengths.items() if lines > LONGEST} == {}


def test_no_installed_distribution_owns_one_of_our_names() -> None:
    taken = {
        (found.name, Path(str(path)).parts[0].removesuffix(".py"))
        for found in distributions()
        if found.name.lower() != "berth"
        for path in found.files or ()
        if not str(path).startswith("..")
    }
    assert {pair for pair in taken if pair[1] in HOUSE} == set()


def test_layers_name_no_folder_twice() -> None:
    assert all(not upper & lower for upper, lower in pairwise(LAYERS))


@pytest.mark.parametrize("folder", sorted(HOUSE - {"app", "cli", "settings", "reporting"}))
def test_each_folder_says_what_it_is_and_must_never_do(folder: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text())) or ""
    assert "never" in said or "nothing" in said

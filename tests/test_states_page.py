"""The page about states tells what the code does."""

from pathlib import Path

from rules.enums import InstanceState
from rules.states import OFFERED, TABLE, Operation

PAGE = Path(__file__).parent.parent / "docs" / "states.md"
SHOWN = (Operation.VIEW, Operation.VIEW_TASKS)


def test_the_page_has_the_table_of_states() -> None:
    lines = PAGE.read_text().splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("| operation |"))
    assert lines[head].split(" | ")[1:-1] == [state.value for state in InstanceState][:-1]
    rows = []
    for operation, answers in TABLE.items():
        coming = "" if operation in OFFERED or operation in SHOWN else " (to come)"
        rows.append(f"| {operation}{coming} | " + " | ".join(answer.lower() for answer in answers.values()) + " |")
    assert lines[head + 2 : head + 2 + len(rows)] == rows

"""Bytes of a log become times and text: every stamp, every bad byte, every length."""

import pytest

from kube.lines import LONGEST_LINE, Assembler, is_fault, parse_time, split_stamp, text, whole_size

NS = 1_767_225_607_000_000_001


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        (b"2026-01-01T00:00:07.000000001Z", NS),
        (b"2026-01-01T02:00:07.000000001+02:00", NS),
        (b"2025-12-31T19:30:07.000000001-04:30", NS),
        (b"2026-01-01T00:00:07Z", NS - 1),
        (b"2026-01-01T00:00:07.5Z", NS - 1 + 500_000_000),
        (b"1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_keeps_its_nanoseconds(stamp: bytes, ns: int) -> None:
    assert parse_time(stamp) == ns


@pytest.mark.parametrize(
    "stamp",
    [b"", b"failed to try", b"2026-01-01 00:00:07Z", b"2026-01-01T00:00:07", b"2026-01-01T00:00:07+0200", b"x" * 30],
)
def test_what_is_no_time_is_refused(stamp: bytes) -> None:
    with pytest.raises(ValueError, match="not a time stamp"):
        parse_time(stamp)


def test_a_line_is_split_from_its_stamp_once() -> None:
    assert split_stamp(b"2026-01-01T00:00:07.000000001Z a  b ") == (NS, b"a  b ")
    assert split_stamp(b"2026-01-01T00:00:07.000000001Z ") == (NS, b"")
    assert split_stamp(b"2026-01-01T00:00:07.000000001Z") == (NS, b"")
    assert split_stamp(b"long-part2 of a line") is None


@pytest.mark.parametrize(
    ("data", "shown", "raw", "lossy"),
    [
        (b"plain", "plain", None, False),
        (b"carriage\r", "carriage", None, False),
        (b"10%\r20%\r30%", "30%", "10%\r20%\r30%", False),
        (b"1\x00\r2", "2", "1\ufffd\r2", False),
        (b"bad \xff byte", "bad \ufffd byte", None, True),
        (b"nul \x00 bell \x07 tab \t", "nul \ufffd bell \ufffd tab \t", None, True),
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", None, False),
        ("one\u2028line\x85still\x0cone".encode(), "one\u2028line\x85still\ufffdone", None, True),
        (b"", "", None, False),
    ],
)
def test_text_is_safe_to_hand_on(data: bytes, shown: str, raw: str | None, lossy: bool) -> None:
    assert text(data) == (shown, raw, lossy)


def test_lines_are_put_together_whatever_the_pieces() -> None:
    whole = b"one\ntwo\n\nfour" + "\u2028five\n".encode() + b"rest"
    expected = [b"one", b"two", b"", "four\u2028five".encode(), b"rest"]
    for size in (1, 2, 3, 7, 100):
        assembler = Assembler()
        lines = [line for i in range(0, len(whole), size) for line in assembler.feed(whole[i : i + size])]
        assert lines + assembler.finish() == expected
    assert Assembler().finish() == []


def test_a_line_that_is_too_long_is_cut_at_a_character_and_read_to_its_end() -> None:
    data = b"x" + "é".encode() * LONGEST_LINE
    for size in (1000, len(data) + 1):
        assembler = Assembler()
        stream = data + b"\nnext\n"
        lines = [line for i in range(0, len(stream), size) for line in assembler.feed(stream[i : i + size])]
        assert lines == [data[: LONGEST_LINE - 1], b"next"]
        assert [whole_size(line) for line in lines] == [len(data), 4]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'failed to try resolving symlinks in path "/var/log/pods/x/0.log": lstat: no such file', True),
        (b"failed to create fsnotify watcher: too many open files", True),
        (b"unable to retrieve container logs for containerd://abc", True),
        (b"failed to connect to the database", False),
    ],
)
def test_errors_of_the_node_are_told_from_lines(line: bytes, fault: bool) -> None:
    assert is_fault(line) is fault

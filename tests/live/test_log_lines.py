"""What is read out of a line's text."""

import pytest

from live.log_lines import coloured, level_of, plain


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-01-01T00:00:00Z ERROR no room", "ERROR"),
        ("[warn] slow", "WARNING"),
        ("error: no room", "ERROR"),
        ("I tried and there was an error", None),
        ("level=debug msg=x", "DEBUG"),
        ('time=1 severity="critical" msg=x', "FATAL"),
        ('{"level":"info","msg":"ERROR in text"}', "INFO"),
        ('{"severity":"WARNING"}', "WARNING"),
        ('{"level":50,"msg":"pino"}', "ERROR"),
        ('{"msg":"no level"}', None),
        ('{"level":"info"', None),
        ("2026/01/01 [emerg] 1#1: bind() failed", "FATAL"),
        ("INFORMATION", None),
        ("TRACE x", "TRACE"),
        ("<notice> hello", "INFO"),
        ("", None),
    ],
)
def test_levels(text: str, level: str | None) -> None:
    assert level_of(text) == level


@pytest.mark.parametrize(
    ("text", "with_colours", "without"),
    [
        ("plain", "plain", "plain"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;5;1mred\x1b[m", "\x1b[38;5;1mred\x1b[m", "red"),
        ("\x1b[2Jcleared\x1b[1;1H", "cleared", "cleared"),
        ("\x1b]8;;https://example.org\x07link\x1b]8;;\x07", "link", "link"),
        ("\x1b]52;c;aGk=\x1b\\x", "x", "x"),
        ("\x1bcreset", "reset", "reset"),
        ("at the end \x1b", "at the end ", "at the end "),
    ],
)
def test_what_is_meant_for_terminals(text: str, with_colours: str, without: str) -> None:
    assert coloured(text) == with_colours
    assert plain(text) == without

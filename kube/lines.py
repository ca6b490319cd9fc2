"""Log lines from bytes: time stamps to nanoseconds, lines of bounded length, text that is safe to hand on."""

import calendar
import re

LONGEST_LINE = 64 * 1024
_LONGEST_STAMP = 36
_SECOND = 10**9
_seconds: dict[bytes, int] = {}

CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\x1b"))
"""C0 controls but TAB and ESC (colours), and DEL: replaced wherever text is handed on."""

_CONTROLS, _CONTROLS_BUT_RETURN = (
    re.compile(f"[{re.escape(each.decode())}]") for each in (CONTROLS, CONTROLS.replace(b"\r", b""))
)

# What kubelet and container runtimes write into the body of a 200 when they fail; never a line of the container.
_FAULT = re.compile(
    rb"(?:failed to (?:try resolving symlinks|create fsnotify watcher|watch file|open log file|get container status)"
    rb"|unable to retrieve container logs|Error from server|rpc error: |unexpected (?:stream type|log format)"
    rb"|an error occurred when try to find container)",
    re.IGNORECASE,
)


class Cut(bytes):
    """A line that was cut at LONGEST_LINE; `size` is its whole length. Lines that were not cut are plain bytes."""

    size: int


def whole_size(line: bytes) -> int:
    """A line's length as it came, without its newline."""
    return line.size if isinstance(line, Cut) else len(line)


def parse_time(stamp: bytes) -> int:
    """RFC 3339 with up to nine decimals and any offset, as nanoseconds since the epoch. Raises ValueError.

    Python's own datetime keeps six decimals only, and lines are told apart by all nine.
    """
    if len(stamp) < 20 or stamp[10:11] != b"T":
        raise ValueError("not a time stamp")
    seconds = _seconds.get(stamp[:19]) or _parse_seconds(stamp[:19])
    zone, nanoseconds = stamp[19:], 0
    if len(zone) == 11 and zone[10:] == b"Z" and zone[1:10].isdigit() and zone[:1] == b".":  # as kubelets write it
        return seconds * _SECOND + int(zone[1:10])
    if zone[:1] == b".":
        end = 1
        while zone[end : end + 1].isdigit():
            end += 1
        nanoseconds = int(zone[1:end].ljust(9, b"0")[:9] or b"0")
        zone = zone[end:]
    if zone != b"Z":
        if len(zone) != 6 or zone[:1] not in b"+-" or not (zone[1:3] + zone[4:6]).isdigit():
            raise ValueError("not a time stamp")
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds += -offset if zone[:1] == b"+" else offset
    return seconds * _SECOND + nanoseconds


def _parse_seconds(head: bytes) -> int:
    """A time to the second, kept for the lines that share it. Raises ValueError."""
    fields = (head[0:4], head[5:7], head[8:10], head[11:13], head[14:16], head[17:19])
    if not all(field.isdigit() for field in fields):
        raise ValueError("not a time stamp")
    if len(_seconds) > 256:
        _seconds.clear()
    _seconds[head] = calendar.timegm(tuple(int(field) for field in fields))
    return _seconds[head]


def split_stamp(line: bytes) -> tuple[int, bytes] | None:
    """The line's time and the rest of it; None for a line without a time stamp."""
    space = line.find(b" ", 0, _LONGEST_STAMP)
    try:
        if space < 0:
            return parse_time(line), b""  # an empty line may come without the space
        return parse_time(line[:space]), line[space + 1 :]
    except ValueError:
        return None


def is_fault(line: bytes) -> bool:
    """Whether a line without a time stamp is the error text of a kubelet or a runtime."""
    return _FAULT.match(line) is not None


def text(data: bytes) -> tuple[str, str | None, bool]:
    """The bytes as text; the same with what a progress bar overwrote, None where that is nothing; and whether bytes
    were replaced, being no UTF-8 or control characters.

    Colour codes (ESC) stay. Lines are not split again: separators of Unicode are text like any other.
    """
    if data.endswith(b"\r"):
        data = data[:-1]
    try:
        shown, lossy = data.decode(), False
    except UnicodeDecodeError:
        shown, lossy = data.decode("utf-8", "replace"), True
    raw = None
    if "\r" in shown:
        raw = _safe(shown, _CONTROLS_BUT_RETURN)
        shown = shown[shown.rindex("\r") + 1 :]
    safe = _safe(shown, _CONTROLS)
    return safe, raw, lossy or safe is not shown


def _safe(shown: str, controls: re.Pattern[str]) -> str:
    """The same object where there is nothing to replace."""
    return controls.sub("\ufffd", shown) if controls.search(shown) else shown


class Assembler:
    """Lines out of pieces of a stream, split at newlines only; a line that is too long is cut and read to its end."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece completes."""
        lines = piece.split(b"\n")
        rest = lines.pop()
        if lines and self._size:
            self._keep(lines[0])
            lines[0] = self._take()
        if lines and max(map(len, lines)) > LONGEST_LINE:
            lines = [_cut(line, len(line)) for line in lines]
        if rest:
            self._keep(rest)
        return lines

    def finish(self) -> list[bytes]:
        """What is left at the end of the stream: a line that never got its newline, if there is one."""
        return [self._take()] if self._size else []

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        room = LONGEST_LINE + 1 - len(self._kept)
        if room > 0:
            self._kept += part[:room]

    def _take(self) -> bytes:
        line = _cut(bytes(self._kept), self._size)
        self._kept.clear()
        self._size = 0
        return line


def _cut(data: bytes, size: int) -> bytes:
    """At most LONGEST_LINE bytes of a line of this size, never cut within a character of UTF-8."""
    if len(data) <= LONGEST_LINE:
        return data
    end = LONGEST_LINE
    while end > LONGEST_LINE - 4 and data[end] & 0xC0 == 0x80:
        end -= 1
    cut = Cut(data[:end])
    cut.size = size
    return cut

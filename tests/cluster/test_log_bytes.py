"""The bytes of logs: Kubernetes passes them on as they were written, and Berth makes text of them."""

from contextlib import aclosing

import pytest

from kube.clients import Cluster
from kube.labels import Identity
from kube.lines import Assembler, split_stamp, text
from kube.log_records import Line, Source, Standing
from kube.resources import POD
from kube.tail import Tail
from tests.cluster.pods import Object, Script, log, seen, start, state

CHUNK = 16 * 1024
LONG = "".join(f"{number:07} " for number in range(5000))  # 40,000 bytes


async def ended(cluster: Cluster, owner: Identity, says: str) -> Object:
    """The pod of a container that has said this and ended."""
    await start(cluster, owner, "sayer", Script(says=says, ends=0), restartPolicy="Never")
    return await seen(cluster, owner, POD, "sayer", lambda found: "terminated" in state(found))


async def told(cluster: Cluster, found: Object) -> list[Line]:
    """What Berth makes of the log of an ended container."""
    meta = found["metadata"]
    container_id = state(found)["terminated"]["containerID"]
    source = Source(meta["namespace"], meta["name"], meta["uid"], "a", container_id)
    standing: Standing = "ENDED"
    tail = Tail(cluster, source, lambda: standing)
    async with aclosing(tail.records()) as batches:
        return [record for batch in [batch async for batch in batches] for record in batch if isinstance(record, Line)]


@pytest.mark.parametrize(
    ("says", "written", "message"),
    [
        (r"caf\0303\0251\n", b"caf\xc3\xa9\n", "café"),
        (r"a\0377b\0303\n", b"a\xffb\xc3\n", "a\ufffdb\ufffd"),
        (r"a\0b\n", b"a\0b\n", "a\ufffdb"),
        (r"10%\r20%\r100%\n", b"10%\r20%\r100%\n", "100%"),
        (r"windows\r\n", b"windows\n", "windows"),
        (r"a\0342\0200\0250b\0302\0205c\014d\n", b"a\xe2\x80\xa8b\xc2\x85c\x0cd\n", "a\u2028b\x85c\ufffdd"),
        (r"\033[31mred\033[0m\n", b"\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m"),
        (r"\n", b"\n", ""),
        ("no newline", b"no newline", "no newline"),
    ],
    ids=["utf-8", "not utf-8", "NUL", "CR", "CR LF", "separators", "colours", "empty", "no newline at the end"],
)
async def test_bytes_are_passed_on_as_they_were_written(
    cluster: Cluster, owner: Identity, says: str, written: bytes, message: str
) -> None:
    found = await ended(cluster, owner, says)
    assert await log(cluster, owner, "sayer") == written
    assert [line.message for line in await told(cluster, found)] == [message]


async def test_a_long_line_is_joined_again_with_the_time_of_its_first_part(cluster: Cluster, owner: Identity) -> None:
    found = await ended(cluster, owner, f"short\\n{LONG}\\nshort again\\n")
    assert await log(cluster, owner, "sayer") == f"short\n{LONG}\nshort again\n".encode()
    stamped = map(split_stamp, (await log(cluster, owner, "sayer", timestamps=True)).split(b"\n")[:-1])
    assert [parsed and parsed[1].decode() for parsed in stamped] == ["short", LONG, "short again"]
    assert [(line.message, line.size, line.truncated) for line in await told(cluster, found)] == [
        ("short", 5, False), (LONG, 40_000, False), ("short again", 11, False),
    ]  # fmt: skip


async def test_a_tail_counts_the_parts_of_a_long_line(cluster: Cluster, owner: Identity) -> None:
    await ended(cluster, owner, f"short\\n{LONG}\\n")
    assert await log(cluster, owner, "sayer", tailLines=1) == LONG[2 * CHUNK :].encode() + b"\n"
    lines = (await log(cluster, owner, "sayer", tailLines=1, timestamps=True)).split(b"\n")
    parsed = split_stamp(lines[0])
    assert parsed is not None
    assert parsed[1].decode() == LONG[2 * CHUNK :]


async def test_a_line_longer_than_berth_keeps_is_cut_and_says_so(cluster: Cluster, owner: Identity) -> None:
    found = await ended(cluster, owner, f"{LONG}{LONG}\\nnext\\n")
    cut, following = await told(cluster, found)
    assert (cut.size, cut.truncated, cut.message == (LONG * 2)[: len(cut.message)]) == (80_000, True, True)
    assert 65_000 < len(cut.message) <= 65_536
    assert following.message == "next"


async def test_lines_come_apart_at_newlines_only(cluster: Cluster, owner: Identity) -> None:
    await ended(cluster, owner, r"one\0342\0200\0250still one\014\013\036still\ntwo\n")
    assembler = Assembler()
    lines = [line for byte in await log(cluster, owner, "sayer") for line in assembler.feed(bytes([byte]))]
    assert [text(line)[0] for line in lines] == ["one\u2028still one\ufffd\ufffd\ufffdstill", "two"]

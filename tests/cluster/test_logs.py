"""Logs of containers: what is read, and what is answered where there is nothing to read."""

import re
from itertools import pairwise

import pytest

from kube.clients import Cluster
from kube.errors import Invalid, NotFound
from kube.labels import Identity
from kube.lines import split_stamp
from kube.resources import POD
from tests.cluster.pods import Script, has_started, log, pod, restarts, seen, start, state

STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) ")
SECOND = 10**9


async def refusal(cluster: Cluster, owner: Identity, name: str, **query: str | int | bool) -> str:
    """The words with which a log is refused as a bad request."""
    with pytest.raises(Invalid) as refused:
        await log(cluster, owner, name, **query)
    return refused.value.message


async def test_every_line_has_a_time_of_nine_digits(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "talker", Script(says="one\\ntwo\\n", ends=0), restartPolicy="Never")
    assert await log(cluster, owner, "talker") == b"one\ntwo\n"
    lines = (await log(cluster, owner, "talker", timestamps=True)).splitlines()
    assert [STAMP.sub(b"", line, count=1) for line in lines] == [b"one", b"two"]
    assert all(STAMP.match(line) for line in lines)


async def test_a_tail_is_the_last_lines_and_a_limit_the_first_bytes(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "talker", Script(says="one\\ntwo\\nthree\\n", ends=0), restartPolicy="Never")
    assert await log(cluster, owner, "talker", tailLines=2) == b"two\nthree\n"
    assert await log(cluster, owner, "talker", tailLines=0) == b""
    assert await log(cluster, owner, "talker", tailLines=9) == b"one\ntwo\nthree\n"
    assert await log(cluster, owner, "talker", limitBytes=5) == b"one\nt"


async def test_a_log_since_a_time_begins_at_its_whole_second(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "talker", Script(talks=10, ends=0, after=3), restartPolicy="Never")
    await seen(cluster, owner, POD, "talker", lambda found: "terminated" in state(found))
    whole = await log(cluster, owner, "talker", timestamps=True)
    lines = [(parsed[0], line) for line in whole.splitlines(keepends=True) if (parsed := split_stamp(line))]
    second = lines[len(lines) // 2][0] // SECOND
    late = [line for ns, line in lines if ns >= second * SECOND]
    moment = f"{lines[0][1][:10].decode()}T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
    found = await log(cluster, owner, "talker", timestamps=True, sinceTime=f"{moment}.900Z")
    assert found == b"".join(late)
    assert len(late) < len(lines)


async def test_a_container_that_has_not_started_says_what_it_waits_for(cluster: Cluster, owner: Identity) -> None:
    missing = [{"name": "settings", "configMap": {"name": "not-there"}}]
    await cluster.request("POST", POD.path(owner.namespace), body=pod(owner, "early", volumes=missing))
    await seen(cluster, owner, POD, "early", lambda found: "waiting" in state(found))
    said = await refusal(cluster, owner, "early")
    assert said == 'container "a" in pod "early" is waiting to start: ContainerCreating'


async def test_a_pod_that_no_node_has_taken_has_no_log(cluster: Cluster, owner: Identity) -> None:
    body = pod(owner, "nowhere", nodeSelector={"example.dev/nowhere": "true"})
    await cluster.request("POST", POD.path(owner.namespace), body=body)
    assert await log(cluster, owner, "nowhere") == b""


async def test_a_wrong_container_is_refused_and_a_choice_must_be_made(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "pair", Script(says="from a\\n"), Script(says="from b\\n"), inits=(Script(ends=0),))
    assert await log(cluster, owner, "pair", container="b") == b"from b\n"
    assert await refusal(cluster, owner, "pair", container="nope") == "container nope is not valid for pod pair"
    said = await refusal(cluster, owner, "pair")
    assert said == "a container name must be specified for pod pair, choose one of: [x a b]"


async def test_a_log_of_a_pod_that_is_not_there_is_not_found(cluster: Cluster, owner: Identity) -> None:
    with pytest.raises(NotFound) as refused:
        await log(cluster, owner, "nobody")
    assert refused.value.message == 'pods "nobody" not found'


async def test_the_run_before_a_restart_is_the_previous_one(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "again", Script(says="hello\\n", ends=1, after=1))
    said = await refusal(cluster, owner, "again", previous=True)
    assert said == 'previous terminated container "a" in pod "again" not found'
    await seen(cluster, owner, POD, "again", lambda found: restarts(found) == 1)
    assert await log(cluster, owner, "again", previous=True) == b"hello\n"
    await seen(cluster, owner, POD, "again", lambda found: "waiting" in state(found))
    assert await log(cluster, owner, "again") == b"hello\n"


async def test_init_containers_have_logs_and_the_others_wait_for_them(cluster: Cluster, owner: Identity) -> None:
    body = pod(owner, "prepared", Script(says="served\\n"), inits=(Script(says="prepared\\n", ends=0, after=2),))
    await cluster.request("POST", POD.path(owner.namespace), body=body)
    await seen(cluster, owner, POD, "prepared", lambda found: "running" in state(found, "x"))
    said = await refusal(cluster, owner, "prepared")
    assert said == 'container "a" in pod "prepared" is waiting to start: PodInitializing'
    await seen(cluster, owner, POD, "prepared", has_started)
    assert await log(cluster, owner, "prepared", container="x") == b"prepared\n"
    assert await log(cluster, owner, "prepared") == b"served\n"


async def test_the_numbers_of_a_request_are_checked(cluster: Cluster, owner: Identity) -> None:
    await start(cluster, owner, "talker")
    assert await refusal(cluster, owner, "talker", tailLines=-1) == (
        'PodLogOptions "talker" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'
    )
    said = await refusal(cluster, owner, "talker", sinceSeconds=1, sinceTime="2026-01-01T00:00:00Z")
    assert said.endswith("at most one of `sinceTime` or `sinceSeconds` may be specified")


async def test_lines_written_at_once_keep_their_order(cluster: Cluster, owner: Identity) -> None:
    texts = [f"line {number}" for number in range(500)]
    await start(cluster, owner, "burst", Script(says="\\n".join([*texts, ""]), ends=0), restartPolicy="Never")
    lines = [split_stamp(line) for line in (await log(cluster, owner, "burst", timestamps=True)).splitlines()]
    assert [line and line[1].decode() for line in lines] == texts
    assert all(before and after and before[0] <= after[0] for before, after in pairwise(lines))

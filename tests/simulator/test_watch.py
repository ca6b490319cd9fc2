"""Watches: what exists, what happens, bookmarks, and versions that are too old."""

from tests.simulator.client import CONFIG_MAPS, Client, config_map

START = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
ONLY = "&fieldSelector=metadata.name%21%3Dkube-root-ca.crt"


async def test_a_watch_begins_with_what_exists_and_says_when_that_is_over(shop: Client) -> None:
    made = await shop.post(CONFIG_MAPS, config_map(colour="blue"))
    stream = await shop.stream(f"{CONFIG_MAPS}?{START}{ONLY}")
    assert await stream.event() == ("ADDED", made)
    kind, bookmark = await stream.event()
    assert (kind, bookmark["kind"], bookmark["metadata"]["annotations"]) == (
        "BOOKMARK", "ConfigMap", {"k8s.io/initial-events-end": "true"},
    )  # fmt: skip
    changed = await shop.merge(f"{CONFIG_MAPS}/settings", {"data": {"colour": "red"}})
    assert await stream.event() == ("MODIFIED", changed)
    await shop.delete(f"{CONFIG_MAPS}/settings")
    kind, last = await stream.event()
    assert (kind, last["data"]) == ("DELETED", {"colour": "red"})
    assert int(last["metadata"]["resourceVersion"]) > int(changed["metadata"]["resourceVersion"])
    stream.close()


async def test_a_watch_from_a_version_misses_nothing_and_repeats_nothing(shop: Client) -> None:
    first = await shop.post(CONFIG_MAPS, config_map("a"))
    second = await shop.post(CONFIG_MAPS, config_map("b"))
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion={first['metadata']['resourceVersion']}")
    assert await stream.event() == ("ADDED", second)
    third = await shop.post(CONFIG_MAPS, config_map("c"))
    assert await stream.event() == ("ADDED", third)
    stream.close()


async def test_a_watch_of_one_namespace_hears_of_no_other(shop: Client) -> None:
    await shop.post("/api/v1/namespaces", {"metadata": {"name": "other"}})
    await shop.advance(0)
    here = await shop.stream(f"{CONFIG_MAPS}?{START}{ONLY}")
    everywhere = await shop.stream(f"/api/v1/configmaps?{START}{ONLY}")
    assert (await here.event())[0] == (await everywhere.event())[0] == "BOOKMARK"
    elsewhere = await shop.post("/api/v1/namespaces/other/configmaps", config_map("x"))
    mine = await shop.post(CONFIG_MAPS, config_map("y"))
    assert await here.event() == ("ADDED", mine)
    assert [await everywhere.event(), await everywhere.event()] == [("ADDED", elsewhere), ("ADDED", mine)]
    here.close()
    everywhere.close()


async def test_an_object_that_stops_matching_is_deleted_for_that_watch(shop: Client) -> None:
    stream = await shop.stream(f"{CONFIG_MAPS}?{START}&labelSelector=tier%3Dweb")
    assert (await stream.event())[0] == "BOOKMARK"
    await shop.post(CONFIG_MAPS, config_map("a"))
    await shop.merge(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"tier": "web"}}})
    await shop.merge(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"tier": "db"}}})
    assert [(await stream.event())[0], (await stream.event())[0]] == ["ADDED", "DELETED"]
    stream.close()


async def test_bookmarks_come_every_minute_and_just_before_the_stream_ends_at_its_timeout(shop: Client) -> None:
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=100{ONLY}")
    assert (await stream.event())[0] == "BOOKMARK"
    await shop.advance(60)
    kind, bookmark = await stream.event()
    assert (kind, "annotations" in bookmark["metadata"]) == ("BOOKMARK", False)
    await shop.advance(38)
    assert await stream.event() == ("BOOKMARK", bookmark)
    await shop.advance(2)
    assert await stream.rest() == ""


async def test_a_version_that_is_too_old_is_an_error_in_the_stream(shop: Client) -> None:
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion=1")
    kind, status = await stream.event()
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")
    assert await stream.rest() == ""


async def test_compaction_ends_watches_with_the_same_error(shop: Client) -> None:
    stream = await shop.stream(f"{CONFIG_MAPS}?{START}{ONLY}")
    _, bookmark = await stream.event()
    shop.sim.compact()
    assert (await stream.event())[1]["reason"] == "Expired"
    assert await stream.rest() == ""
    again = await shop.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion={bookmark['metadata']['resourceVersion']}")
    assert (await again.event())[1]["code"] == 410


async def test_a_version_of_the_future_is_silent(shop: Client) -> None:
    stream = await shop.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion=999999&timeoutSeconds=30")
    await shop.post(CONFIG_MAPS, config_map("a"))
    await shop.advance(30)
    assert await stream.rest() == ""


async def test_initial_events_need_their_match(shop: Client) -> None:
    status = await shop.refused("GET", f"{CONFIG_MAPS}?watch=1&sendInitialEvents=true")
    assert status["message"] == (
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting '
        "resourceVersionMatch to NotOlderThan"
    )


async def test_metadata_alone_can_be_watched(shop: Client) -> None:
    await shop.post(CONFIG_MAPS, config_map(colour="blue"))
    accept = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
    async with shop.session.get(f"{CONFIG_MAPS}?{START}{ONLY}", headers=accept) as answer:
        line = await answer.content.readline()
    assert b'"kind":"PartialObjectMetadata"' in line
    assert b"blue" not in line


async def test_a_list_can_be_read_as_it_was_at_a_version(shop: Client) -> None:
    for name in ("a", "b"):
        await shop.post(CONFIG_MAPS, config_map(name, colour="blue"))
    then = await shop.get(f"{CONFIG_MAPS}?limit=1{ONLY}")
    version, token = then["metadata"]["resourceVersion"], then["metadata"]["continue"]
    await shop.merge(f"{CONFIG_MAPS}/a", {"data": {"colour": "red"}})
    await shop.delete(f"{CONFIG_MAPS}/b")
    await shop.post(CONFIG_MAPS, config_map("c"))
    exactly = await shop.get(f"{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch=Exact{ONLY}")
    assert exactly["metadata"]["resourceVersion"] == version
    assert [(item["metadata"]["name"], item["data"]) for item in exactly["items"]] == [
        ("a", {"colour": "blue"}), ("b", {"colour": "blue"}),
    ]  # fmt: skip
    rest = await shop.get(f"{CONFIG_MAPS}?limit=1&continue={token}{ONLY}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]

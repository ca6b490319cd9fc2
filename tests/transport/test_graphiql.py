"""The page that browsers get: pinned files, checked by hash, from the public CDN or from a folder; no token in it."""

import base64
import hashlib
import json
import os
import re
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette

from schema import schema
from schema.limits import Limits
from tests.transport.serving import served
from transport.documents import Documents
from transport.graphiql import GraphiQL
from transport.graphiql.page import HERE, assets

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "authorization": ""}
OPERATIONS = json.loads((HERE / "operations.json").read_text())


def application(pages: GraphiQL) -> Starlette:
    made = served(page=pages.page)
    made.app.router.routes.extend(pages.routes())
    return made.app


async def get(pages: GraphiQL, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(application(pages))
    async with httpx.AsyncClient(transport=transport, base_url="http://berth") as client:
        return await client.get(path, headers=BROWSER | headers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for asset in assets():
        (tmp_path / asset.file).write_text(f"/* {asset.package} */")
    return tmp_path


async def test_a_browser_gets_the_page_without_a_token_with_pinned_and_checked_files() -> None:
    answer = await get(GraphiQL(), "/graphql")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    tags = re.findall(r'<(?:script src|link rel="stylesheet" href)="(https://[^"]+)" integrity="(\S+)"', answer.text)
    assert len(tags) == len(assets()) == 5
    assert {url for url, _ in tags} == {asset.public_url for asset in assets()}
    for url, integrity in tags:
        assert re.fullmatch(r"https://cdn\.jsdelivr\.net/npm/[a-z-]+@\d+\.\d+\.\d+/[\w./-]+", url)
        assert len(base64.b64decode(integrity.removeprefix("sha384-"))) == 48


async def test_the_page_may_load_scripts_from_the_cdn_and_nothing_inline() -> None:
    policy = (await get(GraphiQL(), "/graphql")).headers["content-security-policy"]
    assert "script-src 'self' https://cdn.jsdelivr.net;" in policy
    assert policy.startswith("default-src 'none';")
    assert "connect-src 'self';" in policy


async def test_with_a_folder_everything_comes_from_here(folder: Path) -> None:
    pages = GraphiQL(folder)
    answer = await get(pages, "/graphql")
    assert "https://" not in answer.text + answer.headers["content-security-policy"]
    for asset in assets():
        assert f'"/graphiql/{asset.file}" integrity="{asset.integrity}"' in answer.text
        file = await get(pages, f"/graphiql/{asset.file}")
        assert (file.status_code, file.text) == (200, f"/* {asset.package} */")
    for path in ("/graphiql/nothing.js", "/graphiql/..%2Fassets.json", "/graphiql/assets.json"):
        assert (await get(pages, path)).status_code == 404


async def test_the_pages_own_files_are_served_without_a_folder_too() -> None:
    pages = GraphiQL()
    for file, media in (("page.js", "text/javascript"), ("page.css", "text/css")):
        answer = await get(pages, f"/graphiql/{file}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media}; charset=utf-8")
    assert (await get(pages, "/graphiql/graphiql.min.js")).status_code == 404


def test_a_folder_that_lacks_a_file_is_one_clear_sentence(folder: Path) -> None:
    (folder / "graphiql.min.js").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks graphiql\.min\.js: build it again\."):
        GraphiQL(folder)


async def test_a_get_that_asks_for_html_and_brings_a_query_is_a_query() -> None:
    answer = await get(GraphiQL(), "/graphql?query={viewer}", authorization="Bearer good")
    assert answer.json() == {"data": {"viewer": "ann"}}


async def test_what_stands_in_operations_cannot_end_their_element() -> None:
    pages = GraphiQL(operations={"tabs": [{"query": "</script><script>alert(1)</script>"}], "placeholders": {}})
    text = (await get(pages, "/graphql")).text
    assert "alert" in text
    assert "</script><script>alert" not in text


def test_every_operation_of_the_page_is_one_of_the_contract() -> None:
    documents = [each["query"] for each in [*OPERATIONS["tabs"], *OPERATIONS["placeholders"].values()]]
    known = Documents(schema._schema, Limits())
    for document in documents:
        assert validate(schema._schema, parse(document)) == []
        assert known.prepare(document, None, {})


@pytest.mark.skipif("BERTH_GRAPHIQL_ASSETS" not in os.environ, reason="the folder of assets is not built")
def test_the_built_files_are_those_that_the_page_expects() -> None:
    for asset in assets():
        data = (Path(os.environ["BERTH_GRAPHIQL_ASSETS"]) / asset.file).read_bytes()
        assert "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode() == asset.integrity

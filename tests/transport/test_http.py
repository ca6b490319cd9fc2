"""GraphQL over HTTP: who may ask, what is a request, what is answered, and in which words."""

import asyncio
from typing import Any

import orjson
import pytest

from tests.transport.serving import TOKEN, served

GRAPHQL_JSON = "application/graphql-response+json"


async def post(body: Any, *, headers: dict[str, str] | None = None, **options: Any) -> tuple[int, Any]:
    async with served(**options).client() as client:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"content-type": "application/json", "x-request-id": "req-12345", **(headers or {})}
        answer = await client.post("/graphql", content=content, headers=sent)
        assert answer.headers["x-request-id"] == "req-12345"
        return answer.status_code, answer.json()


def error(answer: Any) -> tuple[str, str]:
    assert set(answer) <= {"errors", "data"}
    assert answer["errors"][0]["extensions"]["requestId"] == "req-12345"
    return answer["errors"][0]["extensions"]["code"], answer["errors"][0]["message"]


async def test_a_query_is_answered_with_the_viewer_and_the_request_id() -> None:
    assert await post({"query": "{ viewer requestId }"}) == (200, {"data": {"viewer": "ann", "requestId": "req-12345"}})


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic Z29vZA==", "good"])
async def test_without_a_good_token_nothing_is_answered(header: str) -> None:
    for query in ("{ viewer }", "{ __schema { queryType { name } } }", "not graphql"):
        status, answer = await post({"query": query}, headers={"authorization": header})
        assert (status, error(answer)[0], "data" in answer) == (401, "UNAUTHENTICATED", False)
        assert answer["errors"][0]["extensions"]["remedy"].startswith("Send Authorization: Bearer")


async def test_the_401_names_the_scheme() -> None:
    async with served().client() as client:
        answer = await client.post("/graphql", json={"query": "{ viewer }"}, headers={"authorization": ""})
    assert answer.headers["www-authenticate"] == 'Bearer realm="berth"'


BAD_BODIES = [
    (b"", 400, "The body is not JSON in UTF-8"),
    (b"\xff\xfe", 400, "The body is not JSON in UTF-8"),
    (b'{"query": "\xff"}', 400, "The body is not JSON in UTF-8"),
    (b"5", 400, "The body must be a JSON object."),
    (b"null", 400, "The body must be a JSON object."),
    (b"[" * 100_000, 400, "The body is not JSON in UTF-8"),
    (b"[]", 400, "Several operations in one request are not supported."),
    (b'[{"query": "{ viewer }"}]', 400, "Several operations in one request are not supported."),
    (b"{}", 400, "There is no `query`, or it is not a text."),
    (b'{"query": 5}', 400, "There is no `query`, or it is not a text."),
    (b'{"query": ""}', 400, "There is no `query`, or it is not a text."),
    (b'{"query": "{ viewer }", "variables": [1]}', 400, "`variables` must be an object or null."),
    (b'{"query": "{ viewer }", "extensions": "x"}', 400, "`extensions` must be an object or null."),
    (b'{"query": "{ viewer }", "operationName": 1}', 400, "`operationName` must be a text or null."),
]


@pytest.mark.parametrize(("body", "status", "message"), BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_a_body_that_is_no_request_is_one_clear_answer(body: bytes, status: int, message: str) -> None:
    found, answer = await post(body)
    assert (found, error(answer)[0]) == (status, "BAD_REQUEST")
    assert error(answer)[1].startswith(message)


async def test_a_body_over_the_limit_is_413_also_when_its_length_is_not_announced() -> None:
    async def parts() -> Any:
        for _ in range(11):
            yield b"x" * 100_000

    async with served().client() as client:
        announced = await client.post(
            "/graphql", content=b"x" * 1_000_001, headers={"content-type": "application/json"}
        )
        unannounced = await client.post("/graphql", content=parts(), headers={"content-type": "application/json"})
        fits = await client.post("/graphql", json={"query": "{ viewer }", "variables": {"x": "y" * 999_900}})
    for answer in (announced, unannounced):
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["message"] == "The body is larger than 1,000,000 bytes."
        assert answer.json()["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"
    assert fits.status_code == 200


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
)
async def test_another_content_type_is_415(media: str) -> None:
    status, answer = await post({"query": "{ viewer }"}, headers={"content-type": media})
    assert (status, error(answer)) == (415, ("BAD_REQUEST", "The body must be application/json in UTF-8."))


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, application/json;q=0.9", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
async def test_the_answer_comes_in_the_media_type_that_is_liked_best(accept: str, media: str) -> None:
    async with served().client() as client:
        answer = await client.post("/graphql", json={"query": "{ viewer }"}, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media}; charset=utf-8")


async def test_a_media_type_that_is_not_offered_is_406() -> None:
    status, answer = await post({"query": "{ viewer }"}, headers={"accept": "image/png"})
    assert (status, error(answer)[0]) == (406, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("query a { viewer } query b { viewer }", "OPERATION_RESOLUTION_FAILURE"),
        ("query ($t: String!) { echo(text: $t) }", "BAD_USER_INPUT"),
        ("{" + "viewer " * 21 + "}", "QUERY_TOO_COMPLEX"),
    ],
)
async def test_an_operation_that_cannot_run_has_no_data_and_400_only_for_the_new_media_type(
    query: str, code: str
) -> None:
    for accept, expected in ((GRAPHQL_JSON, 400), ("application/json", 200)):
        status, answer = await post({"query": query}, headers={"accept": accept})
        assert (status, error(answer)[0], list(answer)) == (expected, code, ["errors"])


async def test_a_null_for_what_an_argument_needs_is_the_clients_fault() -> None:
    query = 'query ($t: String = "x") { echo(text: $t) }'
    status, answer = await post({"query": query, "variables": {"t": None}})
    assert (status, error(answer)[0]) == (200, "BAD_USER_INPUT")


async def test_get_answers_queries_and_refuses_mutations() -> None:
    async with served().client() as client:
        query = await client.get(
            "/graphql", params={"query": "query ($t: String!) { echo(text: $t) }", "variables": '{"t": "a b"}'}
        )
        broken = await client.get("/graphql", params={"query": "{ viewer }", "variables": "{"})
        mutation = await client.get("/graphql", params={"query": 'mutation { write(value: "x") }'})
        method = await client.put("/graphql")
    assert query.json() == {"data": {"echo": "a b"}}
    assert (broken.status_code, broken.json()["errors"][0]["message"]) == (
        400,
        "The parameter `variables` is not JSON.",
    )
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert (method.status_code, method.headers["allow"]) == (405, "GET, POST")


async def test_a_subscription_needs_a_stream() -> None:
    status, answer = await post({"query": "subscription { count }"})
    assert (status, error(answer)) == (400, ("BAD_REQUEST", "A subscription has many answers."))


async def test_a_refusal_is_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    status, answer = await post({"query": '{ node(id: "x") { id } viewer }'})
    assert (status, answer["data"]) == (200, {"node": None, "viewer": "ann"})
    assert answer["errors"] == [
        {
            "message": "There is no such object, or you may not see it.",
            "locations": [{"line": 1, "column": 3}],
            "path": ["node"],
            "extensions": {
                "code": "NOT_FOUND",
                "retryable": False,
                "remedy": "Check the id.",
                "field": "id",
                "requestId": "req-12345",
            },
        }
    ]


async def test_a_database_that_is_away_is_said_to_be_and_nothing_more() -> None:
    status, answer = await post({"query": "{ away viewer }"})
    assert (status, answer["data"]) == (200, {"away": None, "viewer": "ann"})
    assert error(answer) == ("UNAVAILABLE", "The database does not answer now.")
    assert answer["errors"][0]["extensions"]["retryable"] is True
    assert "10.0.0.7" not in str(answer)


async def test_a_bug_is_masked_and_logged_with_its_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = await post({"query": "{ bug viewer }"})
    assert (status, answer["data"]) == (200, {"bug": None, "viewer": "ann"})
    assert error(answer) == ("INTERNAL_ERROR", "Internal error. Tell the operator the request id.")
    assert "hunter2" not in str(answer)
    logged = capsys.readouterr().out
    assert "hunter2" in logged
    assert "req-12345" in logged


async def test_a_query_past_its_deadline_is_cancelled_and_says_so() -> None:
    made = served(deadline=0.01)
    async with made.client() as client:
        answer = (await client.post("/graphql", json={"query": "{ slow }"})).json()
    assert answer["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
    assert answer["errors"][0]["message"] == "There was no answer within 0.01 seconds."
    assert made.world.cancelled == 1


async def test_a_mutation_past_its_deadline_says_so_and_goes_on() -> None:
    made = served(deadline=0.01)
    async with made.client() as client:
        answer = (await client.post("/graphql", json={"query": 'mutation { write(value: "x") }'})).json()
    assert answer["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
    assert answer["errors"][0]["extensions"]["remedy"].startswith("The change goes on.")
    made.world.release.set()
    await made.service.operations.finish_writes()
    assert (made.world.writes, made.world.cancelled) == (["x"], 0)


async def test_each_operation_has_a_context_of_its_own() -> None:
    made = served()
    async with made.client() as client:
        for _ in range(2):
            assert (await client.post("/graphql", json={"query": "{ loads }"})).json() == {"data": {"loads": 1}}


@pytest.mark.parametrize(
    ("given", "kept"), [("short", False), ("a" * 129, False), ("bad\tid-long", False), ("x" * 8, True)]
)
async def test_a_request_id_is_taken_only_when_it_is_sane(given: str, kept: bool) -> None:
    async with served().client() as client:
        answer = await client.post("/graphql", json={"query": "{ requestId }"}, headers={"x-request-id": given})
    found = answer.json()["data"]["requestId"]
    assert (found == given, found) == (kept, answer.headers["x-request-id"])
    assert TOKEN["authorization"] not in answer.text


async def test_a_token_look_up_that_fails_or_hangs_is_an_answer_too(capsys: pytest.CaptureFixture[str]) -> None:
    async def breaks(_token: str | None) -> object | None:
        raise RuntimeError("database at 10.0.0.7 is broken")

    async def is_away(_token: str | None) -> object | None:
        raise ConnectionError("database at 10.0.0.7 is gone")

    async def hangs(_token: str | None) -> object | None:
        return await asyncio.Event().wait()

    for look_up, status, code in (
        (breaks, 500, "INTERNAL_ERROR"),
        (is_away, 503, "UNAVAILABLE"),
        (hangs, 503, "DEADLINE_EXCEEDED"),
    ):
        made = served(patience=0.01)
        made.service.authenticate = look_up
        async with made.client() as client:
            answer = await client.post("/graphql", json={"query": "{ viewer }"}, headers={"x-request-id": "req-12345"})
        assert (answer.status_code, error(answer.json())[0]) == (status, code)
        assert "10.0.0.7" not in answer.text
    assert "10.0.0.7" in capsys.readouterr().out


async def test_a_body_that_does_not_come_is_408() -> None:
    async def parts() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    async with served(patience=0.01).client() as client:
        answer = await client.post("/graphql", content=parts(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (408, "DEADLINE_EXCEEDED")


async def test_the_log_line_of_a_request_names_its_operation(capsys: pytest.CaptureFixture[str]) -> None:
    await post({"query": "query Who { viewer }"})
    assert "operation='query Who'" in capsys.readouterr().out

"""One operation from its text to its answer: the same way for HTTP, server-sent events and websockets."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType, create_source_event_stream
from graphql.execution.executor import Executor

from schema.execution import Execution
from schema.limits import Limits
from transport import metrics
from transport.documents import Documents, Prepared, Unprepared, coded
from transport.errors import BAD_USER_INPUT, BUSY, DEADLINE_EXCEEDED, Formatted, formatted, is_internal, problem
from transport.sharing import Answers

Context = TypeVar("Context")

MOST_WRITES = 1_000
"""Writes outlive their clients, so that clients who come and go could heap them up."""

EVENTS_BETWEEN_PAUSES = 16
"""A stream that always has an event ready never gives way to others by itself."""


@dataclass(slots=True)
class Asked:
    """What a client sent: the document, which of its operations, and the variables."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


class StreamFailed(Exception):  # noqa: N818 - it carries the answer to the client
    """A subscription that ended with errors instead of events."""

    def __init__(self, errors: list[Formatted]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


class Operations:
    """Prepares and executes operations of one schema.

    A read is cancelled when its deadline comes or its client goes away. A write is never cancelled in the middle: the
    client is told that it takes too long, and the write goes on to its end.
    """

    def __init__(self, schema: strawberry.Schema, limits: Limits, deadline: float) -> None:
        # Strawberry keeps graphql-core's schema private; its version is pinned.
        self._schema = schema._schema
        self._documents = Documents(self._schema, limits)
        self._answers = Answers()
        self._deadline = deadline
        self._writes: set[asyncio.Task[ExecutionResult]] = set()

    def prepare(self, asked: Asked) -> Prepared:
        """The operation, ready to be executed. Raises Unprepared with the errors that say why it is not."""
        try:
            return self._documents.prepare(asked.query, asked.operation_name, asked.variables)
        except Unprepared:
            metrics.OPERATIONS.labels("unknown", "refused").inc()
            raise

    async def execute(self, prepared: Prepared, context: object, request_id: str) -> Formatted:
        """The answer of a query or a mutation: `data`, `errors`; no `data` where nothing was executed."""
        kind = prepared.operation.operation
        began = perf_counter()
        outcome = "cancelled"
        try:
            answer = await self._answer(prepared, context, request_id)
            outcome = "internal" if is_internal(answer) else "errors" if "errors" in answer else "ok"
        finally:
            metrics.DURATIONS.labels(kind.value).observe(perf_counter() - began)
            metrics.OPERATIONS.labels(kind.value, outcome).inc()
        return answer

    async def _answer(self, prepared: Prepared, context: object, request_id: str) -> Formatted:
        try:
            executor = self._executor(prepared, context)
            if prepared.operation.operation is OperationType.MUTATION:
                result = await self._write(executor)
            else:
                async with asyncio.timeout(self._deadline):
                    result = await _run(executor)
        except Unprepared as refusal:
            return {"errors": formatted(refusal.errors, request_id)}
        except TimeoutError:
            return {"errors": formatted([self._too_late(prepared)], request_id)}
        if result.errors:
            return {"data": result.data, "errors": formatted(result.errors, request_id)}
        return {"data": result.data}

    async def _write(self, executor: Execution) -> ExecutionResult:
        if len(self._writes) >= MOST_WRITES:
            raise Unprepared(
                [problem(BUSY, "Too many changes are going on.", "Try again in a moment.", retryable=True)]
            )
        task = asyncio.create_task(_run(executor))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        done, _ = await asyncio.wait({task}, timeout=self._deadline)
        if not done:
            raise TimeoutError
        return task.result()

    def _too_late(self, prepared: Prepared) -> GraphQLError:
        remedy = "Ask for less at once, or try again later."
        if prepared.operation.operation is OperationType.MUTATION:
            remedy = "The change goes on. Send it again with the same idempotency key to learn how it ended."
        return problem(DEADLINE_EXCEEDED, f"There was no answer within {self._deadline:g} seconds.", remedy)

    async def stream(self, prepared: Prepared, context: object, request_id: str) -> AsyncGenerator[str, None]:
        """The answers of a subscription as JSON, one for each event. Raises StreamFailed when it ends with errors."""
        outcome = "cancelled"
        metrics.STREAMS.inc()
        try:
            async with aclosing(self._events(prepared, context, request_id)) as answers:
                async for answer in answers:
                    metrics.EVENTS.inc()
                    yield answer
            outcome = "ok"
        except StreamFailed as failure:
            outcome = "internal" if is_internal({"errors": failure.errors}) else "errors"
            raise
        finally:
            metrics.STREAMS.dec()
            metrics.OPERATIONS.labels("subscription", outcome).inc()

    async def _events(self, prepared: Prepared, context: object, request_id: str) -> AsyncGenerator[str, None]:
        try:
            executor = self._executor(prepared, context)
            source: Any = create_source_event_stream(executor)
            if not isinstance(source, AsyncGenerator | ExecutionResult):
                source = await source
            if isinstance(source, ExecutionResult):
                raise Unprepared(source.errors or [])
            sent = 0
            async with aclosing(source) as events:
                async for event in events:
                    yield await self._answer_of(event, executor, prepared.shared, request_id)
                    sent += 1
                    if sent % EVENTS_BETWEEN_PAUSES == 0:
                        await asyncio.sleep(0)
        except Unprepared as refusal:
            raise StreamFailed(formatted(refusal.errors, request_id)) from None
        except Exception as error:
            located = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
            raise StreamFailed(formatted([located], request_id)) from error

    async def _answer_of(self, event: object, executor: Execution, shared: bytes | None, request_id: str) -> str:
        """The answer of one event: made once for all who share it, unless it has errors, which name their request."""
        if shared and (known := self._answers.get(event, shared)):
            metrics.SHARED.inc()
            return known
        result = await _run(executor.build_per_event_executor(event))
        answer: Formatted = {"data": result.data}
        if result.errors:
            answer["errors"] = formatted(result.errors, request_id)
        text = orjson.dumps(answer).decode()
        if shared and not result.errors:
            self._answers.keep(event, shared, text)
        return text

    def _executor(self, prepared: Prepared, context: object) -> Execution:
        executor = Execution.build(
            self._schema,
            prepared.document,
            None,
            context,
            prepared.variables,
            prepared.name,
            plan=prepared.plan,
        )
        if isinstance(executor, list):
            raise Unprepared([coded(error, BAD_USER_INPUT) for error in executor])
        assert isinstance(executor, Execution)
        return executor

    async def finish_writes(self) -> None:
        """Wait for the writes whose clients have gone: call it before the database is closed."""
        while self._writes:
            await asyncio.wait(self._writes)


async def _run(executor: Executor[Any]) -> ExecutionResult:
    result: Any = executor.execute_operation()
    if not isinstance(result, ExecutionResult):
        result = await result
    assert isinstance(result, ExecutionResult)
    return result

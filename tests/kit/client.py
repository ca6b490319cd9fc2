"""The API in this process: operations against the one schema, as a viewer, without a server in between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from strawberry.types.execution import ExecutionResult, PreExecutionError

from resolvers.context import Context
from resolvers.session import Session
from rules.refusals import Refused
from rules.viewer import Viewer
from schema import schema


@dataclass(slots=True)
class Answer:
    """data: as the client gets it. codes: of the refusals among the top-level errors. errors: all of their texts."""

    data: Any
    codes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Api:
    """What one viewer may ask: `await Api(viewer).query("{ viewer { id } }")`. session: that of their connection."""

    viewer: Viewer
    session: Session = field(default_factory=Session)

    async def ask(self, document: str, **variables: Any) -> Answer:
        """The whole answer, errors included. A bug of ours is raised, not answered."""
        result = await schema.execute(document, variable_values=variables, context_value=self._context())
        return _answer(result)

    async def query(self, document: str, **variables: Any) -> Any:
        """The data of an operation that must have no error."""
        answer = await self.ask(document, **variables)
        assert not answer.errors, answer.errors
        return answer.data

    async def change(self, mutation: str, input: dict[str, Any], selection: str) -> Any:
        """A mutation's payload: `await api.change("deleteInstance", {"id": id}, "problems { code } task { id }")`."""
        kind = mutation[0].upper() + mutation[1:] + "Input"
        document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}"
        return (await self.query(document, input=input))[mutation]

    async def follow(self, document: str, **variables: Any) -> AsyncIterator[Any]:
        """The data of each event of a subscription. Errors are raised as text."""
        stream = await schema.subscribe(document, variable_values=variables, context_value=self._context())
        if isinstance(stream, PreExecutionError | ExecutionResult):
            raise AssertionError(stream.errors)
        async for event in stream:
            answer = _answer(event)
            assert not answer.errors, answer.errors
            yield answer.data

    def _context(self) -> Context:
        return Context(self.viewer, "req_test", self.session)


def _answer(result: Any) -> Answer:
    answer = Answer(result.data)
    for error in result.errors or ():
        cause = error.original_error
        if cause is not None and not isinstance(cause, Refused):
            raise cause
        answer.errors.append(str(error.message) if cause is None else str(cause))
        if cause is not None:
            answer.codes.append(cause.code)
    return answer

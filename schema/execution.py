"""How operations are executed: graphql-core's executor, with plain attributes read in place and plans kept.

It leans on the inside of graphql-core and strawberry, whose versions are pinned for it; a test holds that its answers
equal the stock executor's over many documents.
"""

from collections.abc import Awaitable
from types import GeneratorType
from typing import Any, Protocol, Self, TypeGuard, runtime_checkable

from graphql import GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from graphql.pyutils import AwaitableOrValue, Path, Undefined, gather_with_cancel
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from tortoise.models import Model

from schema.plan import Plan, Shape, step

PLAIN = frozenset((str, int, float, bool))
"""Classes whose values are neither awaitable nor exceptions, whatever the scalar that prints them."""

SHAPES = "berth-shapes"
"""Where a schema keeps what was found out about its types: it holds for all executions."""


@runtime_checkable
class PerEvent(Protocol):
    """A context that makes itself anew for each event of a subscription, so that no loader outlives the event."""

    def for_event(self) -> Self:
        """The same viewer and request, with loaders that have loaded nothing."""


_KNOWN: dict[type, bool] = {}


def is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Whether a resolver's answer must be awaited.

    Tortoise models have `__await__`, and are answers all the same: each would become a task of its own. The verdict is
    kept per class, except for generators, where it depends on the function that made them.
    """
    cls = type(value)
    known = _KNOWN.get(cls)
    if known is None:
        known = not issubclass(cls, Model) and optimized_is_awaitable(value)
        if cls is not GeneratorType:
            _KNOWN[cls] = known
    return known


class Execution(StrawberryGraphQLCoreExecutionContext):
    """The executor of Berth, for `strawberry.Schema(..., execution_context_class=Execution)`.

    A leaf field without resolver, arguments or extensions is read from its object and coerced in place. Whatever is out
    of the ordinary (no such attribute, null where none may be, a value to await, an exception, a failed coercion) goes
    the stock executor's way, so that answers and errors are the same.
    """

    def __init__(self, *args: Any, plan: Plan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_awaitable = is_awaitable
        self._shapes: dict[GraphQLOutputType, Shape] = self.schema.extensions.setdefault(SHAPES, {})
        self._plan = plan
        self._steps = plan.steps if plan else {}
        if plan:
            self._relevant_sub_fields = plan.collected
        if self.middleware_manager and self.middleware_manager.middlewares:
            # Whatever wraps resolvers wraps those of plain attributes too.
            self.execute_fields = super().execute_fields  # type: ignore[method-assign]

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """An executor for one event of a subscription, with a context of its own where the context can make one."""
        executor = super().build_per_event_executor(payload)
        if isinstance(self.context_value, PerEvent):
            executor.context_value = self.context_value.for_event()
        return executor

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Run the root fields as the plan first collected them: what hangs on them is found by identity."""
        if self._plan:
            if self._plan.root is None:
                self._plan.root = grouped_field_set
            grouped_field_set = self._plan.root
        return super().execute_root_grouped_field_set(
            root_type, root_value, grouped_field_set, serially, position_context
        )

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Answer a selection set: plain attributes at once, the rest as the stock executor does."""
        known = self._steps.get(id(grouped_field_set))
        if known is None:
            steps = [step(self.schema, parent_type, name, fields) for name, fields in grouped_field_set.items()]
            known = self._steps[id(grouped_field_set)] = (grouped_field_set, steps)
        results: dict[str, Any] = {}
        awaited: list[str] = []
        try:
            for name, fields, attribute, coerce, verbatim, nullable in known[1]:
                if attribute is not None:
                    try:
                        value = getattr(source_value, attribute)
                        if type(value) is verbatim:
                            results[name] = value
                            continue
                        if value is None:
                            if nullable:
                                results[name] = None
                                continue
                        elif type(value) in PLAIN or not (isinstance(value, Exception) or is_awaitable(value)):
                            value = coerce(value)
                            if value is not None and value is not Undefined:
                                results[name] = value
                                continue
                    except Exception:
                        pass
                value = self.execute_field(
                    parent_type, source_value, fields, Path(path, name, parent_type.name), position_context
                )
                if value is not Undefined:
                    results[name] = value
                    if is_awaitable(value):
                        awaited.append(name)
        except Exception:
            if awaited:
                self.settle_in_background([results[name] for name in awaited])
            raise
        return self._await_fields(results, awaited) if awaited else results

    async def _await_fields(self, results: dict[str, Any], awaited: list[str]) -> dict[str, Any]:
        if len(awaited) == 1:
            results[awaited[0]] = await results[awaited[0]]
        else:
            answers = await gather_with_cancel(*(results[name] for name in awaited))
            results.update(zip(awaited, answers, strict=True))
        return results

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[Any]:
        """Complete objects and lists without asking again, for each value, what the type is."""
        shape = self._shapes.get(return_type)
        if shape is None:
            shape = self._shapes[return_type] = Shape.of(return_type)
        if not (shape.is_object or shape.is_list) or result is None or isinstance(result, Exception):
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        complete: Any = self.complete_object_value if shape.is_object else self.complete_list_value
        return complete(shape.inner, field_details_list, info, path, result, position_context)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Answer an object's fields; what is no object of its type, or is deferred, goes the stock executor's way."""
        known = self._relevant_sub_fields.get((return_type, id(field_details_list)))
        collected = known[1] if known else self.collect_subfields(return_type, field_details_list)
        check = return_type.is_type_of
        if collected.new_defer_usages or position_context or (check and check(result, info) is not True):
            return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)
        return self.execute_fields(return_type, result, path, collected.grouped_field_set, None)

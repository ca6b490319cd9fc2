"""How operations are executed: graphql-core's executor, with plain attributes read in place and plans kept.

It leans on the inside of graphql-core and strawberry, whose versions are pinned for it; a test holds that its answers
equal the stock executor's over many documents.
"""

from collections.abc import Awaitable, Callable
from types import GeneratorType
from typing import Any, NamedTuple, Protocol, Self, TypeGuard, runtime_checkable

from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    Visitor,
    is_leaf_type,
    is_specified_scalar_type,
    visit,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from graphql.language import BREAK, DirectiveNode, DocumentNode, FragmentDefinitionNode, VisitorAction
from graphql.pyutils import AwaitableOrValue, Path, Undefined, gather_with_cancel
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from tortoise.models import Model

PLAIN = frozenset((str, int, float, bool))
"""Classes whose values are neither awaitable nor exceptions, whatever the scalar that prints them."""

VERBATIM: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Scalars that print values of one class unchanged."""


@runtime_checkable
class PerEvent(Protocol):
    """A context that makes itself anew for each event of a subscription, so that no loader outlives the event."""

    def for_event(self) -> Self:
        """The same viewer and request, with loaders that have loaded nothing."""


class Step(NamedTuple):
    """One field of a selection set, and how to answer it in place; without `attribute`, the stock executor does."""

    response_name: str
    fields: FieldDetailsList
    attribute: str | None
    coerce: Callable[[Any], Any]
    verbatim: type | None
    nullable: bool


class Plan:
    """What executions of one operation share: the fields collected for each type, and the steps made of them.

    Sound only when neither depends on variables; `Plan.of` answers None for an operation where they may.
    """

    def __init__(self) -> None:
        self.root: GroupedFieldSet | None = None
        self.collected: dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, CollectedFields]] = {}
        self.steps: dict[int, tuple[GroupedFieldSet, list[Step]]] = {}

    @classmethod
    def of(cls, document: DocumentNode) -> Self | None:
        """A plan to share, or None where directives or fragment variables make the fields depend on the request."""
        seen = _Varies()
        visit(document, seen)
        return None if seen.found else cls()


class _Varies(Visitor):
    """Looks for what makes the collected fields differ between two executions of one operation."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_directive(self, _node: DirectiveNode, *_: object) -> VisitorAction:
        self.found = True
        return BREAK

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> VisitorAction:
        if node.variable_definitions:
            self.found = True
            return BREAK
        return None


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


def _as_it_is(value: Any) -> Any:
    return value


class Execution(StrawberryGraphQLCoreExecutionContext):
    """The executor of Berth, for `strawberry.Schema(..., execution_context_class=Execution)`.

    A leaf field without resolver, arguments or extensions is read from its object and coerced in place. Whatever is out
    of the ordinary (no such attribute, null where none may be, a value to await, an exception, a failed coercion) goes
    the stock executor's way, so that answers and errors are the same.
    """

    def __init__(self, *args: Any, plan: Plan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_awaitable = is_awaitable
        self._plan = plan
        self._steps = plan.steps if plan else {}
        if plan:
            self._relevant_sub_fields = plan.collected
        self._has_middleware = bool(self.middleware_manager and self.middleware_manager.middlewares)

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
            known = self._steps[id(grouped_field_set)] = (
                grouped_field_set,
                self._plan_steps(parent_type, grouped_field_set),
            )
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

    def _plan_steps(self, parent_type: GraphQLObjectType, grouped_field_set: GroupedFieldSet) -> list[Step]:
        return [self._step(parent_type, name, fields) for name, fields in grouped_field_set.items()]

    def _step(self, parent_type: GraphQLObjectType, name: str, fields: FieldDetailsList) -> Step:
        node = fields[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        slow = Step(name, fields, None, _as_it_is, None, False)
        if field is None or self._has_middleware or node.arguments or not getattr(field.resolve, "_is_default", False):
            return slow
        definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        # A permission on a plain attribute makes the field one with extensions: never read past it.
        if not isinstance(definition, StrawberryField) or not definition.is_basic_field:
            return slow
        leaf = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        if not is_leaf_type(leaf) or definition.default_resolver is not getattr:
            return slow
        verbatim = VERBATIM.get(leaf.name) if is_specified_scalar_type(leaf) else None
        nullable = leaf is field.type
        return Step(name, fields, definition.python_name, leaf.coerce_output_value, verbatim, nullable)

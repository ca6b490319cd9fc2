"""How the fields of an operation are answered: worked out once, and kept with its document where that is sound."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    Visitor,
    is_leaf_type,
    is_specified_scalar_type,
    visit,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList, GroupedFieldSet
from graphql.language import BREAK, DirectiveNode, DocumentNode, FragmentDefinitionNode, VisitorAction
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

VERBATIM: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Scalars that print values of one class unchanged."""


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


def step(schema: GraphQLSchema, parent_type: GraphQLObjectType, name: str, fields: FieldDetailsList) -> Step:
    """How the field is answered: in place when it is a leaf that reads a plain attribute."""
    node = fields[0].node
    slow = Step(name, fields, None, _as_it_is, None, False)
    field = schema.get_field(parent_type, node.name.value)
    if field is None or node.arguments or not getattr(field.resolve, "_is_default", False):
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


def _as_it_is(value: Any) -> Any:
    return value


class Shape(NamedTuple):
    """What a type asks of a value that is not null."""

    inner: Any
    is_object: bool
    is_list: bool

    @classmethod
    def of(cls, output: GraphQLOutputType) -> Self:
        """The shape of an output type, required or not."""
        inner = output.of_type if isinstance(output, GraphQLNonNull) else output
        return cls(inner, isinstance(inner, GraphQLObjectType), isinstance(inner, GraphQLList))

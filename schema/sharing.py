"""Events that are executed once for all who asked the same: which those are, and what "the same" is.

A subscription is shared when its contract says so (`subscribed_by(..., shared=True)`). Nothing below it may know who
reads: an event's answer then depends on the event and on the selection, and on nothing else.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Self, cast

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_interface_type,
    is_object_type,
    is_union_type,
    print_ast,
    visit,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from schema.fields import SHARED


def shared_fields(schema: GraphQLSchema) -> frozenset[str]:
    """The subscriptions whose events are shared. Raises TypeError when something below one of them knows its reader."""
    fields = schema.subscription_type.fields if schema.subscription_type else {}
    found = frozenset(name for name, field in fields.items() if _definition(field).metadata.get(SHARED))
    for name in found:
        for place, below in _below(schema, get_named_type(fields[name].type), set()):
            if not _knows_nobody(below):
                raise TypeError(f"Subscription.{name} is shared, but the answer of {place} may depend on who asks.")
    return found


def _below(schema: GraphQLSchema, kind: GraphQLNamedType, seen: set[str]) -> Iterator[tuple[str, GraphQLField]]:
    if kind.name in seen:
        return
    seen.add(kind.name)
    if is_union_type(kind) or is_interface_type(kind):
        for possible in schema.get_possible_types(kind):
            yield from _below(schema, possible, seen)
    if is_object_type(kind):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", field
            yield from _below(schema, get_named_type(field.type), seen)


def _knows_nobody(field: GraphQLField) -> bool:
    definition = _definition(field)
    resolver = definition.base_resolver
    asks = resolver is not None and (resolver.info_parameter is not None or resolver.is_async)
    return not (asks or definition.permission_classes or definition.extensions)


def _definition(field: GraphQLField) -> StrawberryField:
    return cast(StrawberryField, field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF])


class Selection:
    """What an operation wants of each event; kept with its document.

    The arguments of the subscription itself choose the events, and are no part of it: viewers who begin at different
    places share what they both get.
    """

    def __init__(self, text: str, variables: frozenset[str]) -> None:
        self._text = text
        self._variables = variables

    @classmethod
    def of(cls, shared: frozenset[str], document: DocumentNode, operation: OperationDefinitionNode) -> Self | None:
        """The selection of a shared subscription; None for every other operation."""
        if operation.operation is not OperationType.SUBSCRIPTION:
            return None
        roots = operation.selection_set.selections
        # A root field inside a fragment is legal and nobody's habit: it is executed for each viewer.
        if not all(isinstance(root, FieldNode) and root.name.value in shared for root in roots):
            return None
        bare = tuple(_without_arguments(root) for root in roots if isinstance(root, FieldNode))
        wanted = OperationDefinitionNode(
            operation=OperationType.SUBSCRIPTION,
            directives=operation.directives,
            selection_set=SelectionSetNode(selections=bare),
        )
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        used = _Used(fragments)
        visit(wanted, used)
        defaults = [each for each in operation.variable_definitions or () if each.variable.name.value in used.variables]
        parts: list[Node] = [*defaults, wanted, *(fragments[name] for name in sorted(used.fragments))]
        return cls("\n".join(map(print_ast, parts)), frozenset(used.variables))

    def key(self, variables: Mapping[str, Any]) -> bytes:
        """Equal for operations that make the same answer of every event. variables: as the client sent them."""
        given = {name: variables[name] for name in sorted(self._variables) if name in variables}
        return sha256(orjson.dumps([self._text, given])).digest()


def _without_arguments(root: FieldNode) -> FieldNode:
    return FieldNode(alias=root.alias, name=root.name, directives=root.directives, selection_set=root.selection_set)


class _Used(Visitor):
    """The variables and fragments that a part of a document uses, those inside the fragments included."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()
        self._known = fragments

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        name = node.name.value
        if name not in self.fragments:
            self.fragments.add(name)
            visit(self._known[name], self)

"""How many objects an operation may return, from its document, its variables and the schema; leaves are free.

A connection counts one, and as many times what stands under its `nodes` or `edges` as `first` or `last` says (the
default page without them). A list that is no connection is taken for LIST_FACTOR objects, any other object field for
one. Fragments are priced once. What is asked of `__schema` and `__type` is weighed on scales of its own, against the
standard introspection query.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    parse,
)

from schema.limits import TooComplexError

LIST_FACTOR = 5
"""How many objects a list without pages is taken for."""

PRICES = {"Instance.manifests": 50, "Instance.drift": 400}
"""What some fields count instead: they are worth a number of objects by themselves."""

LARGEST_PAGE = 1_000_000
"""Pages beyond it are counted as it: the answer is no either way, and the product stays a small number."""

INTROSPECTION_FACTOR = 3
"""How many times the standard introspection query one operation may ask for."""

PARTS = {
    "fields": 10,
    "args": 3,
    "inputFields": 6,
    "enumValues": 6,
    "interfaces": 2,
    "possibleTypes": 4,
    "directives": 6,
}
"""How many parts the lists of an introspection are taken for; `types` are counted."""


class _Price(NamedTuple):
    """Objects counted once, and objects counted for each item of the page that they stand on."""

    once: int = 0
    per_item: int = 0


class Costs:
    """The prices of one schema's operations."""

    def __init__(self, schema: GraphQLSchema, page: int, maximum: int) -> None:
        """`page` is what a connection counts without `first` and `last`, `maximum` what an operation may cost."""
        self._schema = schema
        self._page = page
        self._maximum = maximum
        self._parts = {**PARTS, "types": len(schema.type_map)}
        standard = parse(get_introspection_query(specified_by_url=True, directive_is_repeatable=True))
        self._introspection = INTROSPECTION_FACTOR * _Weighing(standard, self._parts).whole()

    def check(self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """What the operation costs. Raises TooComplexError when that, or its introspection, is more than allowed.

        The document has the shape that `check_shape` allows: no fragment stands in itself, nothing is too deep.
        """
        weight = _Weighing(document, self._parts).introspection(operation.selection_set)
        if weight > self._introspection:
            raise TooComplexError("introspection", weight, self._introspection, operation)
        cost = _Pricing(self._schema, document, operation, variables, self._page).whole()
        if cost > self._maximum:
            raise TooComplexError("cost", cost, self._maximum, operation)
        return cost


class _Pricing:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        page: int,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.page = page
        self.fragments = _fragments(document)
        self.prices: dict[str, _Price] = {}
        self.variables = {
            each.variable.name.value: int(each.default_value.value)
            for each in operation.variable_definitions or ()
            if isinstance(each.default_value, IntValueNode) and len(each.default_value.value) < 10
        }
        self.variables.update(variables)

    def whole(self) -> int:
        root = self.schema.get_root_type(self.operation.operation)
        return self.price(self.operation.selection_set, root).once

    def price(self, selection_set: SelectionSetNode | None, parent: GraphQLNamedType | None) -> _Price:
        once = per_item = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                price = self.field_price(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                price = self.fragment_price(node.name.value)
            else:
                condition = node.type_condition  # type: ignore[attr-defined]
                inner = self.schema.get_type(condition.name.value) if condition else parent
                price = self.price(node.selection_set, inner)  # type: ignore[attr-defined]
            once += price.once
            per_item += price.per_item
        return _Price(once, per_item)

    def fragment_price(self, name: str) -> _Price:
        fragment = self.fragments.get(name)
        if fragment is None:
            return _Price()
        if name not in self.prices:
            parent = self.schema.get_type(fragment.type_condition.name.value)
            self.prices[name] = self.price(fragment.selection_set, parent)
        return self.prices[name]

    def field_price(self, node: FieldNode, parent: GraphQLNamedType | None) -> _Price:
        name = node.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return _Price()
        field = parent.fields.get(name)
        if field is None:
            return _Price()
        named = get_named_type(field.type)
        if not is_composite_type(named):
            return _Price()
        inner = self.price(node.selection_set, named)
        if f"{parent.name}.{name}" in PRICES:
            return _Price(PRICES[f"{parent.name}.{name}"] + inner.once)
        if is_connection(parent):
            if name == "nodes":
                return _Price(0, 1 + inner.once)
            if name == "edges":
                return _Price(0, max(1, inner.once))
        if is_connection(named):
            return _Price(1 + inner.once + self.page_size(node, field) * inner.per_item)
        if is_list_type(get_nullable_type(field.type)):
            return _Price(LIST_FACTOR * (1 + inner.once))
        return _Price(1 + inner.once)

    def page_size(self, node: FieldNode, field: GraphQLField) -> int:
        sizes = []
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value = argument.value
                if isinstance(value, IntValueNode):
                    sizes.append(int(value.value) if len(value.value) < 10 else LARGEST_PAGE)
                elif isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    if isinstance(given, int):
                        sizes.append(given)
        return min(max(0, *sizes), LARGEST_PAGE) if sizes else self.page


class _Weighing:
    """How many parts of the schema an introspection may answer with."""

    def __init__(self, document: DocumentNode, parts: Mapping[str, int]) -> None:
        self.document = document
        self.parts = parts
        self.fragments = _fragments(document)
        self.weights: dict[tuple[str, bool], int] = {}

    def whole(self) -> int:
        return sum(
            self.introspection(node.selection_set)
            for node in self.document.definitions
            if isinstance(node, OperationDefinitionNode)
        )

    def introspection(self, selection_set: SelectionSetNode) -> int:
        """The weight of what stands below `__schema` and `__type` in a selection set."""
        return self.weight(selection_set, below=False)

    def weight(self, selection_set: SelectionSetNode | None, below: bool) -> int:
        total = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                name = node.name.value
                inner = self.weight(node.selection_set, below or name in ("__schema", "__type"))
                total += self.parts.get(name, 1) * (1 + inner) if below else inner
            elif isinstance(node, FragmentSpreadNode):
                total += self.fragment_weight(node.name.value, below)
            else:
                total += self.weight(node.selection_set, below)  # type: ignore[attr-defined]
        return total

    def fragment_weight(self, name: str, below: bool) -> int:
        if (name, below) not in self.weights:
            fragment = self.fragments.get(name)
            self.weights[name, below] = self.weight(fragment.selection_set, below) if fragment else 0
        return self.weights[name, below]


def is_connection(named: GraphQLNamedType | None) -> bool:
    """Whether a type is a page of a list, by Relay's naming."""
    return isinstance(named, GraphQLObjectType) and named.name.endswith("Connection") and "pageInfo" in named.fields


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}

"""What a request selects below a field, so that a list can load it all at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)
from strawberry import Info


@dataclass(slots=True)
class Selection:
    """Fields by their name in the contract. Fragments are merged whatever type they are for: loading more than one
    type needs is harmless, and names mean the same thing everywhere."""

    fields: dict[str, "Selection"] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def below(self, *names: str) -> "Selection":
        """What is selected under these fields, merged."""
        merged = Selection()
        for name in names:
            if name in self.fields:
                merged.add(self.fields[name])
        return merged

    def add(self, other: "Selection") -> None:
        """Merge another selection into this one."""
        for name, inner in other.fields.items():
            self.fields.setdefault(name, Selection()).add(inner)

    @property
    def of_rows(self) -> "Selection":
        """Of a connection's selection: what is selected on its nodes, by either way."""
        merged = self.below("nodes")
        merged.add(self.below("edges").below("node"))
        return merged


def selection(info: Info[Any, Any]) -> Selection:
    """What the request selects below the field that is being resolved, fragments and directives resolved."""
    raw: GraphQLResolveInfo[Any] = info._raw_info
    variables: Any = raw.variable_values  # plain values: strawberry's executor takes them out of graphql-core's tuple
    found = Selection()
    for node in raw.field_nodes:
        if node.selection_set is not None:
            _collect(node.selection_set, raw.fragments, variables, found, set())
    return found


def _collect(
    nodes: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    into: Selection,
    spread: set[tuple[int, str]],
) -> None:
    for node in nodes.selections:
        if node.directives and not _included(node.directives, variables):
            continue
        if isinstance(node, FieldNode):
            inner = into.fields.setdefault(node.name.value, Selection())
            if node.selection_set is not None:
                _collect(node.selection_set, fragments, variables, inner, spread)
        elif isinstance(node, FragmentSpreadNode):
            again = (id(into), node.name.value)
            if again not in spread:  # a fragment spread twice in one place adds nothing the second time
                spread.add(again)
                _collect(fragments[node.name.value].selection_set, fragments, variables, into, spread)
        elif isinstance(node, InlineFragmentNode):
            _collect(node.selection_set, fragments, variables, into, spread)


def _included(directives: Iterable[DirectiveNode], variables: Mapping[str, Any]) -> bool:
    for directive in directives:
        if directive.name.value in ("skip", "include") and directive.arguments:
            value = directive.arguments[0].value
            if isinstance(value, VariableNode):
                said = variables.get(value.name.value)
            else:
                said = isinstance(value, BooleanValueNode) and value.value
            if said is (directive.name.value == "skip"):
                return False
    return True

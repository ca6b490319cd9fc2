"""What an operation may ask for, checked after parsing and before validation (which is itself superlinear).

Every walk is linear: a fragment is measured once, however often it is spread. Documents are not valid yet, so unknown
fields, types and fragments are passed over; validation names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from graphql import (
    ConstDirectiveNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from settings import Settings

CHARACTERS = 100_000
"""Length of a document: strings, comments and blanks are few tokens, and are read letter by letter all the same."""

OPERATIONS = 50
FRAGMENTS = 100
DIRECTIVES = 200

SELECTIONS = 2_000
"""Fields and spreads of all operations of a document, with fragments spread out."""

NESTING = 100
"""Braces and spreads inside each other: inline fragments and chains of fragments add no depth to the answer."""

LITERALS = 200
"""Arguments, and values written into them."""

VALUES = 10_000
"""Values in the variables of one request, lists and objects opened."""

CODE = "QUERY_TOO_COMPLEX"

REMEDIES = {
    "characters": "Send long texts as variables.",
    "tokens": "Send values as variables, and split the document.",
    "operations": "Send only the operations that belong together.",
    "fragments": "Send only the fragments that the operation needs.",
    "directives": "Use fewer directives.",
    "literals": "Send values as variables.",
    "nesting": "Nest fewer fragments in each other.",
    "selection": "Ask for fewer fields at once, or split the query.",
    "selections": "Ask for fewer fields, or split the document.",
    "repeats": "Name each field once in its selection, and give its arguments by variables.",
    "depth": "Ask for the inner objects by `node(id:)` in a second query.",
    "aliases": "Use a list field, or split the query.",
    "cost": "Ask for smaller pages with `first`, or for fewer nested lists.",
    "introspection": "Ask for the schema once, without repeating parts of it under other names.",
    "variables": "Send fewer values at once.",
}
SENTENCES = {
    "characters": "The document has {value} characters, and {max} are allowed.",
    "tokens": "The document has more than {max} tokens.",
    "operations": "The document has {value} operations, and {max} are allowed.",
    "fragments": "The document has {value} fragments, and {max} are allowed.",
    "directives": "The document has {value} directives, and {max} are allowed.",
    "literals": "The document has {value} arguments and values in them, and {max} are allowed.",
    "nesting": "The document nests selections and fragments deeper than {max}.",
    "selection": "A selection set has {value} fields, and {max} are allowed.",
    "selections": "The document selects {value} fields, fragments spread out, and {max} are allowed.",
    "repeats": "A field is named {value} times in one place, and {max} are allowed.",
    "depth": "The operation is {value} fields deep, and {max} are allowed.",
    "aliases": "The operation has {value} aliases, and {max} are allowed.",
    "cost": "The operation may return {value} objects, and {max} are allowed.",
    "introspection": "The operation asks for {value} parts of the schema, and {max} are allowed.",
    "variables": "The variables hold more than {max} values.",
}


class TooComplexError(GraphQLError):
    """An operation beyond a limit. Extensions: `code`, `limit` (its name), `value`, `max` and `remedy`."""

    def __init__(self, limit: str, value: int, maximum: int, node: Any = None) -> None:
        value = min(value, 10**9)
        super().__init__(
            SENTENCES[limit].format(value=value, max=maximum),
            node,
            extensions={"code": CODE, "limit": limit, "value": value, "max": maximum, "remedy": REMEDIES[limit]},
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the checks; `of` reads those that are settings."""

    tokens: int = 5_000
    selection: int = 500
    repeats: int = 20
    depth: int = 12
    aliases: int = 100
    cost: int = 1_000
    page: int = 25

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            tokens=settings.token_limit,
            selection=settings.selection_limit,
            repeats=settings.repeat_limit,
            depth=settings.depth_limit,
            aliases=settings.alias_limit,
            cost=settings.cost_limit,
            page=settings.page_default,
        )


def check_text(text: str) -> None:
    """Before parsing. Raises TooComplexError when the document is too long to be read."""
    if len(text) > CHARACTERS:
        raise TooComplexError("characters", len(text), CHARACTERS)


class _Size(NamedTuple):
    """What a selection set comes to, fragments spread out."""

    depth: int = 0
    aliases: int = 0
    selections: int = 0


def check_shape(document: DocumentNode, limits: Limits) -> None:
    """After parsing: everything that depends on the document alone. Raises TooComplexError."""
    _Shape(document, limits).check()


class _Shape:
    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self.limits = limits
        self.operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.fragment_count = sum(isinstance(node, FragmentDefinitionNode) for node in document.definitions)
        self.sizes: dict[str, _Size] = {}
        self.measuring: set[str] = set()
        self.directives = 0
        self.literals = 0

    def check(self) -> None:
        limits = self.limits
        _at_most(OPERATIONS, len(self.operations), "operations")
        _at_most(FRAGMENTS, self.fragment_count, "fragments")
        sizes: list[tuple[Any, _Size]] = [(node, self._size(node.selection_set, 0)) for node in self.operations]
        # A fragment that no operation spreads is refused by validation, which looks through it first.
        for name, fragment in self.fragments.items():
            if name not in self.sizes:
                sizes.append((fragment, self._fragment_size(name, 0)))
        for definition in [*self.operations, *self.fragments.values()]:
            self._count_directives(definition.directives)
            for each in definition.variable_definitions or ():
                self._count_directives(each.directives)
                self._count_literals([each.default_value] if each.default_value else [])
        _at_most(DIRECTIVES, self.directives, "directives")
        _at_most(LITERALS, self.literals, "literals")
        _at_most(SELECTIONS, sum(size.selections for _, size in sizes), "selections")
        for node, size in sizes:
            _at_most(limits.depth, size.depth, "depth", node)
            _at_most(limits.aliases, size.aliases, "aliases", node)
            self._check_repeats([node.selection_set])

    def _size(self, selection_set: SelectionSetNode | None, level: int) -> _Size:
        if selection_set is None:
            return _Size()
        _at_most(NESTING, level, "nesting", selection_set)
        _at_most(self.limits.selection, len(selection_set.selections), "selection", selection_set)
        depth = aliases = 0
        selections = len(selection_set.selections)
        for node in selection_set.selections:
            self._count_directives(node.directives)
            if isinstance(node, FieldNode):
                self._count_literals([argument.value for argument in node.arguments or ()])
                inner = self._size(node.selection_set, level + 1)
                # The schema is described deeper than any data; its own limit bounds what is asked of it.
                depth = max(depth, 1 if node.name.value.startswith("__") else inner.depth + 1)
                aliases += node.alias is not None
            elif isinstance(node, FragmentSpreadNode):
                inner = self._fragment_size(node.name.value, level + 1)
                depth = max(depth, inner.depth)
            else:
                inner = self._size(node.selection_set, level + 1)  # type: ignore[attr-defined]
                depth = max(depth, inner.depth)
            aliases += inner.aliases
            selections += inner.selections
        return _Size(depth, aliases, selections)

    def _fragment_size(self, name: str, level: int) -> _Size:
        if name not in self.sizes:
            if name in self.measuring:
                # Validation says it in the same words, after walks that a circle would make endless.
                raise GraphQLError(f"Cannot spread fragment '{name}' within itself.", self.fragments[name])
            self.measuring.add(name)
            fragment = self.fragments.get(name)
            self.sizes[name] = self._size(fragment.selection_set, level) if fragment else _Size()
        return self.sizes[name]

    def _count_directives(self, directives: tuple[ConstDirectiveNode | DirectiveNode, ...] | None) -> None:
        for directive in directives or ():
            self.directives += 1
            self._count_literals([argument.value for argument in directive.arguments or ()])

    def _count_literals(self, values: list[ValueNode]) -> None:
        pending = list(values)
        while pending:
            value = pending.pop()
            self.literals += 1
            if isinstance(value, ListValueNode):
                pending.extend(value.values)
            elif isinstance(value, ObjectValueNode):
                pending.extend(each.value for each in value.fields)

    def _check_repeats(self, selection_sets: list[SelectionSetNode]) -> None:
        """Validation compares every two fields with one response name and one path: count them as it meets them."""
        by_name: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        pending = list(selection_sets)
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    by_name.setdefault((node.alias or node.name).value, []).append(node)
                elif not isinstance(node, FragmentSpreadNode):
                    pending.append(node.selection_set)  # type: ignore[attr-defined]
                elif node.name.value not in spread and node.name.value in self.fragments:
                    spread.add(node.name.value)
                    pending.append(self.fragments[node.name.value].selection_set)
        for nodes in by_name.values():
            _at_most(self.limits.repeats, len(nodes), "repeats", nodes[0])
            inner = [node.selection_set for node in nodes if node.selection_set]
            if inner:
                self._check_repeats(inner)


def check_variables(variables: Mapping[str, Any]) -> None:
    """Before coercion, which visits each value. Raises TooComplexError when there are more than VALUES."""
    count = 0
    pending: list[Any] = [variables]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        count += 1
        if count + len(pending) > VALUES:
            raise TooComplexError("variables", count + len(pending), VALUES)


def _at_most(maximum: int, value: int, limit: str, node: Any = None) -> None:
    if value > maximum:
        raise TooComplexError(limit, value, maximum, node)

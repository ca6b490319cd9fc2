"""Texts made into checked documents, and kept, so that a known text is neither parsed nor validated again."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.cost import Costs
from schema.limits import NESTING, Limits, TooComplexError, check_shape, check_text, check_variables
from schema.plan import Plan
from schema.sharing import Selection, shared_fields

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
"""Built once: a rule made anew for each request would be a new class each time."""

REPORTED_ERRORS = 20
"""Errors that validation looks for before it gives up: each one costs a search for what was meant."""

UNRESOLVED = "OPERATION_RESOLUTION_FAILURE"

KEPT_DOCUMENTS = 1_000
KEPT_CHARACTERS = 1_000_000
"""Of all kept texts: a parsed document takes about fifty times its text."""


class Unprepared(Exception):  # noqa: N818 - it carries the answer to the client
    """A request that cannot be executed, with the GraphQL errors that say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors

    @classmethod
    def because(cls, code: str, message: str) -> Self:
        return cls([GraphQLError(message, extensions={"code": code})])


@dataclass(slots=True)
class Document:
    """A text that was parsed and found valid."""

    node: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]
    plans: dict[str | None, tuple[Plan | None, Selection | None]] = field(default_factory=dict)


@dataclass(slots=True)
class Prepared:
    """An operation that may be executed with these variables."""

    document: DocumentNode
    operation: OperationDefinitionNode
    name: str | None
    variables: dict[str, Any]
    plan: Plan | None
    shared: bytes | None
    """What it has in common with others that make the same answers of the same events; None where nothing is shared."""


class Documents:
    """The documents of one schema: read, limited, validated, and the recent ones kept by their text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._shared = shared_fields(schema)
        self._limits = limits
        self._costs = Costs(schema, limits.page, limits.cost)
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def prepare(self, text: str, name: str | None, variables: Mapping[str, Any]) -> Prepared:
        """The operation called `name` (or the only one) of `text`.

        Raises Unprepared when the text is no valid document, has no such operation, or asks for more than is allowed.
        """
        try:
            document = self._kept.get(text) or self._read(text)
            self._keep(text, document)
            operation = _chosen(document.operations, name)
            check_variables(variables)
            self._costs.check(document.node, operation, variables)
        except GraphQLError as error:
            raise Unprepared([coded(error, "GRAPHQL_VALIDATION_FAILED")]) from None
        if name not in document.plans:
            document.plans[name] = Plan.of(document.node), Selection.of(self._shared, document.node, operation)
        plan, selection = document.plans[name]
        shared = selection.key(variables) if selection else None
        return Prepared(document.node, operation, name, dict(variables), plan, shared)

    def _read(self, text: str) -> Document:
        check_text(text)
        node = self._parse(text)
        check_shape(node, self._limits)
        errors = validate(self._schema, node, RULES, max_errors=REPORTED_ERRORS)
        if errors:
            raise Unprepared([coded(error, "GRAPHQL_VALIDATION_FAILED") for error in errors])
        operations = {
            each.name.value if each.name else None: each
            for each in node.definitions
            if isinstance(each, OperationDefinitionNode)
        }
        return Document(node, operations)

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_tokens=self._limits.tokens)
        except GraphQLSyntaxError as error:
            if "tokens. Parsing aborted" in error.message:
                raise TooComplexError("tokens", self._limits.tokens + 1, self._limits.tokens) from None
            if "nested too deeply" in error.message:
                raise TooComplexError("nesting", NESTING + 1, NESTING) from None
            raise coded(error, "GRAPHQL_PARSE_FAILED") from None

    def _keep(self, text: str, document: Document) -> None:
        if text not in self._kept:
            self._kept[text] = document
            self._characters += len(text)
        self._kept.move_to_end(text)
        while len(self._kept) > KEPT_DOCUMENTS or self._characters > KEPT_CHARACTERS:
            old, _ = self._kept.popitem(last=False)
            self._characters -= len(old)


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """The error with its code, unless it has one."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def _chosen(operations: Mapping[str | None, OperationDefinitionNode], name: str | None) -> OperationDefinitionNode:
    if name is None:
        if len(operations) != 1:
            raise Unprepared.because(UNRESOLVED, "The document has several operations: say which by `operationName`.")
        return next(iter(operations.values()))
    if name not in operations:
        raise Unprepared.because(UNRESOLVED, f"The document has no operation named '{name}'.")
    return operations[name]

"""Documents that are made from the contract, so that a new field is in them by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from schema import schema

SCHEMA = schema._schema
Path = tuple[str, ...]


def all_fields(name: str, depth: int) -> str:
    """A selection of every field of a type that needs no argument, and of the objects behind them so many times."""
    found = SCHEMA.type_map[name]
    chosen = ["__typename"]
    fields = found.fields if isinstance(found, GraphQLObjectType | GraphQLInterfaceType) else {}
    for field_name, field in fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        named = get_named_type(field.type)
        if is_leaf_type(named):
            chosen.append(field_name)
        elif depth:
            chosen.append(f"{field_name} {{ {all_fields(named.name, depth - 1)} }}")
    return " ".join(chosen)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the contract that takes an id: an argument of a root field, or a field deep in one."""

    root: str
    name: str
    path: Path

    def __str__(self) -> str:
        return f"{self.root} {self.name} {'.'.join(self.path)}"

    def document(self) -> str:
        """An operation of this root field with every argument that is required or leads to the place."""
        field = self._field
        used = [name for name, argument in field.args.items() if self._used((name,), is_required_argument(argument))]
        variables = ", ".join(f"${name}: {field.args[name].type}" for name in used)
        arguments = ", ".join(f"{name}: ${name}" for name in used)
        selected = all_fields(get_named_type(field.type).name, 1)
        return f"{self.root.lower()}({variables}) {{ {self.name}({arguments}) {{ {selected} }} }}"

    def variables(self, id: str, others: dict[str, Any]) -> dict[str, Any]:
        """Values for the document: `id` at the place, and elsewhere what `others` says for a field of that name."""
        return {
            name: self._value(argument.type, (name,), id, others)
            for name, argument in self._field.args.items()
            if self._used((name,), is_required_argument(argument))
        }

    @property
    def _field(self) -> GraphQLField:
        root = SCHEMA.type_map[self.root]
        assert isinstance(root, GraphQLObjectType)
        field: GraphQLField = root.fields[self.name]
        return field

    def _used(self, path: Path, required: bool) -> bool:
        return required or self.path[: len(path)] == path

    def _value(self, type: Any, path: Path, id: str, others: dict[str, Any]) -> Any:
        of = get_nullable_type(type)
        if isinstance(of, GraphQLList):
            return [id] if path == self.path else others.get(path[-1], [])
        if path == self.path:
            return id
        if isinstance(of, GraphQLInputObjectType):
            return {
                name: self._value(field.type, (*path, name), id, others)
                for name, field in of.fields.items()
                if self._used((*path, name), is_required_input_field(field))
            }
        if isinstance(of, GraphQLEnumType):
            return next(iter(of.values))
        return others[path[-1]]


def places_of_ids() -> Iterator[Place]:
    """Every place of the contract that takes an id."""
    for root in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type):
        assert root is not None
        for name, field in root.fields.items():
            for argument_name, argument in field.args.items():
                for path in _ids(argument.type, (argument_name,)):
                    yield Place(root.name, name, path)


def _ids(type: Any, path: Path) -> Iterator[Path]:
    named = get_named_type(type)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            yield from _ids(field.type, (*path, name))
    elif named.name == "ID" or path == ("organization",):
        yield path

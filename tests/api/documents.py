"""Documents that are made from the contract, so that a new field is in them by itself."""

from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type

from schema import schema

SCHEMA = schema._schema


def object_type(name: str) -> GraphQLObjectType:
    """The object type of this name."""
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def all_fields(name: str, depth: int) -> str:
    """A selection of every field of a type that needs no argument, and of the objects behind them so many times."""
    chosen = ["__typename"]
    for field_name, field in object_type(name).fields.items():
        if _needs_arguments(field):
            continue
        named = get_named_type(field.type)
        if is_leaf_type(named):
            chosen.append(field_name)
        elif isinstance(named, GraphQLObjectType) and depth:
            chosen.append(f"{field_name} {{ {all_fields(named.name, depth - 1)} }}")
    return " ".join(chosen)


def _needs_arguments(field: GraphQLField) -> bool:
    return any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values())

"""The contract itself: described, committed, and every type with the rows that stand for it."""

import re
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_introspection_type,
)

from models.ids import PREFIXES
from resolvers.nouns import NOUNS
from rules.refusals import Refused
from schema import schema
from schema.export import FILE, sdl
from schema.problems import TYPES, problems_of

ROOT = Path(__file__).parents[2]
TYPES_OF_CONTRACT = {name: type for name, type in schema._schema.type_map.items() if not is_introspection_type(type)}


def test_the_committed_contract_is_the_one_that_is_served() -> None:
    assert FILE.read_text() == sdl(), "Run `python -m schema.export` and look at what changed."


def test_everything_is_described() -> None:
    bare = [name for name, type in TYPES_OF_CONTRACT.items() if not type.description]
    for name, type in TYPES_OF_CONTRACT.items():
        if isinstance(type, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type.fields.items():
                bare += [f"{name}.{field_name}"] * (not field.description)
                bare += [f"{name}.{field_name}({arg})" for arg, value in field.args.items() if not value.description]
        elif isinstance(type, GraphQLInputObjectType):
            bare += [f"{name}.{field}" for field, value in type.fields.items() if not value.description]
        elif isinstance(type, GraphQLEnumType):
            bare += [f"{name}.{value}" for value, meant in type.values.items() if not meant.description]
    assert bare == []


def test_every_concrete_type_names_its_source() -> None:
    roots = {"Query", "Mutation", "Subscription"}
    objects = {name: type for name, type in TYPES_OF_CONTRACT.items() if isinstance(type, GraphQLObjectType)}
    unnamed = [
        name
        for name, type in objects.items()
        if name not in roots and type.extensions["strawberry-definition"].is_type_of is None
    ]
    assert unnamed == []


def test_every_node_of_the_contract_can_be_found_by_its_id() -> None:
    nodes = {
        name
        for name, type in TYPES_OF_CONTRACT.items()
        if isinstance(type, GraphQLObjectType) and "Node" in {interface.name for interface in type.interfaces}
    }
    assert nodes == NOUNS.keys() - {"LogLine"}
    assert nodes == set(PREFIXES.values()) - {"AppServiceToken", "Applied"}


def test_every_code_that_is_raised_has_a_type_of_problem() -> None:
    folders = ("rules", "jobs", "live", "resolvers", "schema")
    texts = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    raised = {code for text in texts for code in re.findall(r"Refused\(\s*\"([A-Z_]+)\"", text)}
    assert raised >= {"INVALID_NAME", "NOT_FOUND", "OPERATION_BLOCKED", "INVALID_CURSOR"}
    assert raised - TYPES.keys() == set()


def test_every_type_of_problem_shows_a_refusal_without_details() -> None:
    for code in TYPES:
        [problem] = problems_of(Refused(code, "No.", "Do this.", "input.name", retryable=True))
        shown = (problem.code, problem.message, problem.remedy, problem.path, problem.retryable)
        assert shown == (code, "No.", "Do this.", "input.name", True)


def test_the_details_of_a_refusal_fill_the_fields_of_its_type() -> None:
    [problem] = problems_of(Refused("VERSION_CONFLICT", "No.", details={"current": 7, "other": 1}))
    assert vars(problem)["current"] == 7


def test_what_members_of_a_union_share_has_one_type() -> None:
    """Else a client that selects it on two of them is refused, and must rename it."""
    conflicts = []
    for union in schema._schema.type_map.values():
        if isinstance(union, GraphQLUnionType):
            kinds: dict[str, set[str]] = {}
            for member in union.types:
                for name, field in member.fields.items():
                    kinds.setdefault(name, set()).add(str(field.type))
            conflicts += [(union.name, name) for name, found in kinds.items() if len(found) > 1]
    assert conflicts == []

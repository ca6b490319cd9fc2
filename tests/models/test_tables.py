"""The tables that the migrations make are the ones that the models know, with the constraints that rules lean on."""

import re
from typing import Any

from tortoise.connection import get_connection
from tortoise.models import Model

import models
from rules import enums

MODELS: list[type[Model]] = [getattr(models, name) for name in models.__all__]
UNKNOWN = {"task": {"ordinal"}, "job": {"after"}}
"""Columns that only SQL reads."""
WITHOUT_MODEL = {"event", "idempotency_key", "installation", "log_line", "schema_migration"}
TYPES = {"TextField": "text",
    "CharField": "text", "IntField": "integer", "BigIntField": "bigint", "BooleanField": "boolean",
         "JSONField": "jsonb", "DatetimeField": "timestamp with time zone"}  # fmt: skip
CLOSED = {
    ("app_service", "state"): enums.AppServiceState,
    ("cluster", "breaker"): enums.BreakerState,
    ("cluster", "kind"): enums.ClusterKind,
    ("cluster", "state"): enums.ClusterState,
    ("deployment", "state"): enums.DeploymentState,
    ("environment", "type"): enums.EnvironmentType,
    ("instance", "pod_security"): enums.PodSecurity,
    ("instance", "state"): enums.InstanceState,
    ("job", "state"): enums.StepState,
    ("membership", "role"): enums.Role,
    ("step", "state"): enums.StepState,
    ("task", "state"): enums.TaskState,
    ("token", "scope"): enums.Scope,
}
WORD = re.compile(r"'([A-Z_]+)'::text")
UNIQUE = {
    "app_name": "CREATE UNIQUE INDEX app_name ON public.app USING btree (organization_id, name) "
    "WHERE (deleted_at IS NULL)",
    "applied_good": "CREATE UNIQUE INDEX applied_good ON public.applied USING btree (instance_id, service) WHERE good",
    "cluster_name": "CREATE UNIQUE INDEX cluster_name ON public.cluster USING btree (organization_id, name) "
    "WHERE (removed_at IS NULL)",
    "instance_name": "CREATE UNIQUE INDEX instance_name ON public.instance USING btree (app_id, name) "
    "WHERE (deleted_at IS NULL)",
    "instance_namespace": "CREATE UNIQUE INDEX instance_namespace ON public.instance USING btree "
    "(cluster_uid, namespace) WHERE (deleted_at IS NULL)",
    "stack_revision_draft": "CREATE UNIQUE INDEX stack_revision_draft ON public.stack_revision USING btree "
    "(stack_id) WHERE (number IS NULL)",
}


async def ask(statement: str) -> list[dict[str, Any]]:
    return await get_connection("default").execute_query_dict(statement)


async def test_models_and_tables_have_the_same_columns(opened_database: str) -> None:
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in await ask(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'public'"
    ):
        found.setdefault(row["table_name"], {})[row["column_name"]] = (row["data_type"], row["is_nullable"] == "YES")
    known: dict[str, dict[str, tuple[str, bool]]] = {}
    for model in MODELS:
        fields = model._meta.fields_map
        known[model._meta.db_table] = {
            column: (TYPES[type(fields[name]).__name__], bool(fields[name].null))
            for name, column in model._meta.fields_db_projection.items()
        }
    assert set(found) == set(known) | WITHOUT_MODEL
    for table, columns in known.items():
        kept = {name: kind for name, kind in found[table].items() if name not in UNKNOWN.get(table, set())}
        assert kept == columns, table


async def test_closed_lists_are_held_by_the_database(opened_database: str) -> None:
    rows = await ask(
        "SELECT conrelid::regclass::text AS of, pg_get_constraintdef(oid) AS says "
        "FROM pg_constraint WHERE contype = 'c'"
    )
    for (table, column), words in CLOSED.items():
        says = [
            row["says"]
            for row in rows
            if row["of"].strip('"') == table and row["says"].startswith(f"CHECK (({column} = ANY")
        ]
        assert len(says) == 1, (table, column)
        assert set(WORD.findall(says[0])) == {word.value for word in words}


async def test_what_may_be_there_once_is_held_by_the_database(opened_database: str) -> None:
    rows = await ask("SELECT indexname AS name, indexdef AS says FROM pg_indexes WHERE schemaname = 'public'")
    said = {row["name"]: row["says"] for row in rows}
    assert {name: said.get(name) for name in UNIQUE} == UNIQUE


async def test_every_reference_is_held_by_the_database(opened_database: str) -> None:
    rows = await ask(
        "SELECT conrelid::regclass::text AS of, a.attname AS column FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE contype = 'f'"
    )
    held = {(row["of"].strip('"'), row["column"]) for row in rows}
    wanted = {
        (model._meta.db_table, model._meta.fields_map[name].source_field or f"{name}_id")
        for model in MODELS
        for name in model._meta.fk_fields
    }
    assert wanted - held == set()

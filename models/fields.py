"""Columns that many tables share."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tortoise import fields

from models.ids import new_id


def identity(prefix: str) -> Any:
    """A primary key made by `new_id`. A text of any length can be looked for: one that is too long is not there."""
    make: Callable[[], str] = partial(new_id, prefix)
    made: Any = fields.CharField(max_length=40, primary_key=True, default=make)
    made.validators.clear()  # they would refuse the long text of a condition too; the column holds the length
    return made


def words(default: str | None = None) -> Any:
    """A text column; without a default it must be given."""
    return fields.TextField() if default is None else fields.TextField(default=default)


def reference(model: str, *, null: bool = False) -> Any:
    """A foreign key that nothing looks along from the other side."""
    made: Any = fields.ForeignKeyField  # its overloads tell null apart, which a flag cannot
    return made(f"models.{model}", related_name=False, null=null)


def flag(default: bool | None = None) -> Any:
    """A boolean; without a default it must be given."""
    return fields.BooleanField() if default is None else fields.BooleanField(default=default)


def moment(*, null: bool = False) -> Any:
    """A time with zone; now unless it may be null."""
    return fields.DatetimeField(null=True) if null else fields.DatetimeField(auto_now_add=True)

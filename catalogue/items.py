"""The items that services and stacks have in common, and the rules for their names and numbers."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from rules.names import VARIABLE

EnvType = Literal["prod", "staging", "test", "dev", "feature"]
ServiceType = Literal["service", "db", "infrastructure", "ssh", "datastore", "operator", "search", "storage", "vpn"]

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _freeze(item) for key, item in value.items()})
    return tuple(map(_freeze, value)) if isinstance(value, list | tuple) else value


def _thaw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value


def seconds(text: str) -> int:
    """A Go duration ("1m30s", "500ms") as whole seconds, rounded up; ValueError when it is none."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("must be a duration such as 30s, 15m or 1h30m")
    total = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return int(-(-total // 1))


def _duration(text: str) -> str:
    seconds(text)
    return text


def _lettered(name: str) -> str:
    if not re.search("[a-z]", name):
        raise ValueError("must hold at least one letter")
    return name


def _share(value: int | str) -> int | str:
    text = str(value)
    if re.fullmatch(r"[0-9]{1,6}|(?:100|[0-9]{1,2})%", text) is None:
        raise ValueError("must be a whole number of pods or a percentage such as 25%")
    return value


def _user(number: int) -> int:
    if number == 0:
        raise ValueError("must not be root's: leave it out where the image starts as root")
    return number


def _file_name(name: str) -> str:
    if name == "." or name.startswith(".."):
        raise ValueError("must not lead to another folder")
    return name


_NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""The general rule for names, which is that of Kubernetes' labels."""
_DOMAIN = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"

Strings = tuple[str, ...]
Json = Annotated[Any, AfterValidator(_freeze), PlainSerializer(_thaw)]
Labels = Annotated[Mapping[str, str], AfterValidator(_freeze), PlainSerializer(_thaw)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=f"^{_NAME}$", title="name")]
ServiceName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", title="name")]
ItemName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$", title="name")]
PortName = Annotated[
    str, Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=15, title="name"), AfterValidator(_lettered)
]
VariableName = Annotated[str, Field(pattern=f"^(?:{VARIABLE})$", title="name")]
Reference = Annotated[str, Field(pattern=rf"^{_NAME}(/{_NAME})?$", title="name")]
FilePath = Annotated[str, Field(pattern=r"^/[^\x00]*$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$"), AfterValidator(_file_name)]
ClassName = Annotated[str, Field(pattern=f"^{_DOMAIN}$", max_length=253)]
AnnotationName = Annotated[
    str,
    Field(pattern=rf"^({_DOMAIN}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?$", max_length=317, title="name"),
]
UserId = Annotated[int, Field(ge=0, le=2**31 - 1), AfterValidator(_user)]
GroupId = Annotated[int, Field(ge=0, le=2**31 - 1)]
Duration = Annotated[str, AfterValidator(_duration)]
Share = Annotated[int | str, AfterValidator(_share)]
Cpu = Annotated[int, Field(ge=100, multiple_of=100)]
Memory = Annotated[int, Field(ge=16, multiple_of=16)]
Size = Annotated[int, Field(ge=1, le=65_536)]


class Item(BaseModel):
    """One mapping of a manifest: closed, typed and never changed. Its fields are written in camel case."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, hide_input_in_errors=True
    )

    @classmethod
    def of_data(cls, data: Any) -> Self:
        """The value that `to_data` wrote. Raises pydantic.ValidationError for anything else."""
        return cls.model_validate_json(orjson.dumps(data))

    def to_data(self) -> dict[str, Any]:
        """Plain data that JSON can hold, in the manifest's own spelling, without the fields left at their defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Variable(Item):
    """An environment variable, for one type of environment or for all."""

    name: VariableName
    value: str
    secret: bool = False
    env_type: EnvType | None = None
    runtime: bool = True
    build: bool = False


class Generate(Item):
    """How a token's value is made."""

    regex: Text


class TokenItem(Item):
    """A value that templates name: given, or made from a pattern."""

    name: VariableName
    value: str | None = None
    generate: Generate | None = None
    secret: bool = False
    env_type: EnvType | None = None


class Annotation(Item):
    """An annotation of the service's objects and of its pods."""

    name: AnnotationName
    value: str
    env_type: EnvType | None = None


class HelmValue(Item):
    """A value of the chart, by its path."""

    name: Text
    value: Json
    secret: bool = False
    env_type: EnvType | None = None


class HelmValues(Item):
    """Values of the chart."""

    values: tuple[HelmValue, ...] = ()


class Amount(Item):
    """CPU in millicores, memory in MiB."""

    cpu: Cpu | None = None
    memory: Memory | None = None


class ResourcesItem(Item):
    """What a container asks for and may use at most."""

    request: Amount = Amount()
    limit: Amount = Amount()


class Deployment(Item):
    """How pods are replaced; durations as Go writes them."""

    strategy: Literal["rolling", "recreate", "onDelete"] | None = None
    max_unavailable: Share | None = None
    max_surge: Share | None = None
    min_ready: Duration | None = None
    progress_deadline: Duration | None = None
    shutdown_grace_period: Duration | None = None

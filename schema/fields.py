"""How the contract says who answers a field: the annotation is the GraphQL type, the resolver a plain function.

    @strawberry.type(description="One isolated deployment of an app.")
    @source(models.Instance, InstanceRow)
    class Instance(Node):
        name: str = strawberry.field(description="Permanent machine name.")
        app: App = resolved_by(instances.app, description="The app it deploys.")

Resolvers return models, rows or plain values, and never import the schema. Strawberry lets a field's annotation win
over its resolver's return type; `strawberry.field(resolver=...)` alone would make type checkers compare the two.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types.base import StrawberryType
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

Type = TypeVar("Type", bound=type)

SHARED = "shared"
"""The key in a subscription's metadata that says whether one execution of an event serves all who get it."""


class _Resolver(StrawberryResolver[Any]):
    """A resolver whose arguments the schema may describe and retype, and whose return annotation counts for nothing."""

    def __init__(self, function: Callable[..., object], arguments: Mapping[str, object]) -> None:
        super().__init__(function)
        self._described = arguments
        unknown = arguments.keys() - self.signature.parameters.keys()
        if unknown:
            raise TypeError(
                f"{function.__qualname__} takes no argument {sorted(unknown)}; "
                f"it takes {list(self.signature.parameters)}. Name the resolver's own parameters."
            )

    @cached_property
    def signature(self) -> inspect.Signature:
        own = super().signature
        parameters = [self._public(parameter) for parameter in own.parameters.values()]
        return own.replace(parameters=parameters, return_annotation=inspect.Signature.empty)

    def _public(self, parameter: inspect.Parameter) -> inspect.Parameter:
        said = self._described.get(parameter.name)
        if said is None:
            return parameter
        if isinstance(said, str):
            said = Annotated[parameter.annotation, strawberry.argument(description=said)]
        return parameter.replace(annotation=said)

    def copy_with(self, type_var_map: Mapping[str, StrawberryType | type]) -> StrawberryResolver[Any]:
        """Generic types copy their fields' resolvers; ours name no type variable, so the copy is the same resolver."""
        return self


def resolved_by(
    resolver: Callable[..., object],
    *,
    description: str,
    arguments: Mapping[str, object] | None = None,
    name: str | None = None,
    deprecation_reason: str | None = None,
) -> Any:
    """A field that `resolver` answers; the field's annotation is its GraphQL type.

    `arguments` maps the resolver's parameters to what the contract says of them: a text is the argument's description
    (the type stays the resolver's own annotation); a type, or `Annotated[type, strawberry.argument(description=...)]`,
    replaces the annotation, for input types that the resolver cannot import. `root` is the parent object, and a
    parameter annotated with `strawberry.Info` gets it; neither is an argument.

    Raises TypeError, at import, when `arguments` names a parameter that the resolver does not take.
    """
    return _field(resolver, description, arguments, name, deprecation_reason, is_subscription=False)


def subscribed_by(
    resolver: Callable[..., object],
    *,
    description: str,
    arguments: Mapping[str, object] | None = None,
    name: str | None = None,
    deprecation_reason: str | None = None,
    shared: bool = False,
) -> Any:
    """A subscription field that the async generator `resolver` answers; the annotation is the type of one event.

    Takes what `resolved_by` takes, and raises what it raises. `shared` says that many viewers may be given the same
    event object, that it never changes, and that nothing below it knows who reads: see `schema.sharing`.
    """
    said = {SHARED: shared}
    return _field(resolver, description, arguments, name, deprecation_reason, is_subscription=True, metadata=said)


def _field(
    resolver: Callable[..., object],
    description: str,
    arguments: Mapping[str, object] | None,
    name: str | None,
    deprecation_reason: str | None,
    *,
    is_subscription: bool,
    metadata: Mapping[str, object] | None = None,
) -> StrawberryField:
    return StrawberryField(
        graphql_name=name,
        description=description,
        deprecation_reason=deprecation_reason,
        is_subscription=is_subscription,
        base_resolver=_Resolver(resolver, arguments or {}),
        metadata=metadata,
    )


def source(*classes: type) -> Callable[[Type], Type]:
    """Name the models and rows that stand for a GraphQL type, below `@strawberry.type`.

    Without it unions, interfaces and `node` cannot tell which type an object has, and fail at run time. An instance of
    the decorated class itself is always accepted.

    Raises TypeError when it stands above `@strawberry.type`, where it would come too late to be seen.
    """

    def name(cls: Type) -> Type:
        if "__strawberry_definition__" in vars(cls):
            raise TypeError(f"Put @source below @strawberry.type on {cls.__qualname__}: above it, it is never read.")
        accepted: tuple[type, ...] = (cls, *classes)

        def is_type_of(value: object, _info: object) -> bool:
            return isinstance(value, accepted)

        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined]
        return cls

    return name

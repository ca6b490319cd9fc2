"""The values of tokens: fixed ones as the manifests say, generated ones made once."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from catalogue.items import TokenItem
from catalogue.patterns import Choose, generate
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest, StackService


@dataclass(frozen=True, slots=True)
class Token:
    """A token's value; generated ones are always secret."""

    value: str
    secret: bool


def declared(
    service: ServiceManifest, stack: StackManifest, stack_service: StackService, env_type: str
) -> Mapping[str, TokenItem]:
    """The token that counts, by name: stack service before stack before service, and in each the one for this type of
    environment before the one for all. A token of the stack counts for every service, whether it declares it or not.
    """
    found: dict[str, TokenItem] = {}
    for level in (service.tokens, stack.tokens, stack_service.tokens):
        for typed in (None, env_type):
            found |= {token.name: token for token in level if token.env_type == typed}
    return found


def is_secret(token: TokenItem) -> bool:
    """Whether its value must never be shown."""
    return token.secret or token.generate is not None


def materialise(
    service: ServiceManifest,
    stack: StackManifest,
    stack_service: StackService,
    env_type: str,
    choose: Choose = secrets.choice,
) -> Mapping[str, Token]:
    """Every token's value for a new app service; `choose` picks one of a sequence, at random by default.

    The value of a fixed token may hold templates, which `catalogue.plan` resolves.
    """
    return {
        name: Token(
            generate(token.generate.regex, choose) if token.generate is not None else token.value or "",
            is_secret(token),
        )
        for name, token in declared(service, stack, stack_service, env_type).items()
    }

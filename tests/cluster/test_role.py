"""The role that Berth needs: with exactly this one a cluster can be worked with, and each right that is taken out of it
is named."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from kube import role
from kube.check import check
from kube.clients import Cluster
from kube.labels import Identity
from tests.kit.accounts import RBAC, forget
from tests.kit.accounts import account as account_of
from tests.kit.waiting import until

Known = Callable[[str], Awaitable[Cluster]]
EACH = [(right, verb) for right in role.RIGHTS if right.needed for verb in right.verbs]


class Account:
    """A service account, the role that it has, and a client that is known as it."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.path = f"{RBAC}/clusterroles/{name}"
        self._cluster = cluster
        self.client = cluster

    async def may(self, rules: list[dict[str, Any]]) -> None:
        """Gives the role these rules."""
        found = await self._cluster.request("GET", self.path)
        await self._cluster.request("PUT", self.path, body={**found, "rules": rules})

    async def missing(self) -> list[str]:
        """What the test of the cluster says that the account lacks."""
        return list((await check(self.client)).checks[1].missing)

    async def has_all(self) -> bool:
        return not await self.missing()


@pytest.fixture
async def account(cluster: Cluster, owner: Identity, as_account: Known) -> AsyncIterator[Account]:
    """An account that has the role which Berth prints for it, and no other."""
    name = f"berth-{uuid.uuid4().hex[:8]}"
    token = await account_of(cluster, owner.namespace, name)
    known = Account(cluster, name)
    known.client = await as_account(token)
    await until(known.has_all, True)
    yield known
    await forget(cluster, name)


async def test_exactly_the_role_is_enough(account: Account, cluster: Cluster) -> None:
    report = await check(account.client)
    assert report.passed
    assert report.uid == await cluster.uid()
    assert {one.name: one.message for one in report.checks if one.message.startswith("The account may not")} == {}


async def test_each_right_that_is_taken_out_is_named(account: Account) -> None:
    whole = [replace(right, verbs=(verb,)) for right in role.RIGHTS for verb in right.verbs]
    for right, verb in EACH:
        rest = [one for one in whole if (one.shown, one.verbs) != (right.shown, (verb,))]
        await account.may(
            [{"apiGroups": [one.group], "resources": [one.resource], "verbs": list(one.verbs)} for one in rest]
        )
        await until(account.missing, [f"{verb} {right.shown}"])


async def test_an_account_without_any_right_is_told_the_role_and_what_gives_it(account: Account) -> None:
    await account.may([])
    everything = [f"{verb} {right.shown}" for right, verb in EACH]
    await until(account.missing, everything)
    permissions = (await check(account.client)).checks[1]
    given, bound = yaml.safe_load_all(permissions.role_manifest)
    assert given == role.role()
    [subject] = bound["subjects"]
    assert subject["kind"] == "ServiceAccount"
    assert account.path.endswith(subject["name"])


async def test_rights_for_advice_only_are_not_needed_and_their_lack_is_said(account: Account) -> None:
    needed = [right for right in role.RIGHTS if right.needed]
    await account.may(
        [{"apiGroups": [one.group], "resources": [one.resource], "verbs": list(one.verbs)} for one in needed]
    )

    async def ingress() -> bool:
        return "ingressclasses" in (await check(account.client)).checks[3].message

    await until(ingress, True)
    assert (await check(account.client)).passed

"""Kubeconfigs, and what comes of registering a cluster by one."""

import json
from collections.abc import Mapping
from typing import Any

from tests.kit import makers
from tests.kit.client import Api
from tests.kit.makers import World
from tests.kit.traces import everything

TOKEN = "let-me-in"
PROBLEMS = "problems { code message remedy path retryable }"
SHOWN = f"cluster {{ name title kind state reason kubernetesVersion version }} cursor {PROBLEMS}"


def kubeconfig(server: str, token: str = TOKEN, cluster: Mapping[str, Any] | None = None, **user: Any) -> str:
    """A kubeconfig for a server and a token; cluster, user: more fields of these two."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "u", "user": {"token": token, **user}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


def registration(world: World, text: str | None, **more: Any) -> dict[str, Any]:
    """The input of `registerCluster`."""
    return {"organizationId": world.organization.id, "name": "west", "kubeconfig": text, **more}


async def register(world: World, text: str | None, selection: str = SHOWN, **more: Any) -> Any:
    """What `registerCluster` answers."""
    return await Api(world.owner).change("registerCluster", registration(world, text, **more), selection)


async def refused(world: World, text: str | None, **more: Any) -> dict[str, Any]:
    """The one problem of a registration that left nothing behind."""
    before = await everything()
    answer = await register(world, text, **more)
    assert await everything() == before
    assert (answer["cluster"], answer["cursor"]) == (None, None)
    [problem] = answer["problems"]
    assert isinstance(problem, dict)
    return problem


async def refused_both_ways(world: World, text: str) -> tuple[str, str, str]:
    """The code, message and remedy of the one problem with which a kubeconfig is refused, for a new cluster and for one
    that is there, whose row stays as it is."""
    problem = await refused(world, text)
    there = await makers.cluster(world.organization, "there", kind="KUBECONFIG", kubeconfig="sealed")
    before = await everything()
    given = {"id": there.id, "kubeconfig": text}
    answer = await Api(world.owner).change("updateCluster", given, SHOWN)
    assert await everything() == before
    assert answer == {"cluster": None, "cursor": None, "problems": [problem]}
    assert problem["path"] == "input.kubeconfig"
    assert problem["retryable"] is (problem["code"] == "CLUSTER_UNAVAILABLE")
    assert problem["remedy"]
    return problem["code"], problem["message"], problem["remedy"]

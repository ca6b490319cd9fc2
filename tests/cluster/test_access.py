"""Who one is in a cluster, and what one may do there."""

import base64
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from command import credentials
from kube import namespaces
from kube.apply import apply, prune
from kube.check import check
from kube.clients import APPLY, MERGE, Cluster
from kube.errors import ClusterChanged, Forbidden, NotFound, Unauthorized
from kube.labels import Identity
from kube.manifests import namespace, objects
from kube.resources import CONFIG_MAP, NAMESPACE, POD, SECRET, SERVICE_ACCOUNT
from tests.cluster.conftest import Place
from tests.cluster.pods import Object, log, seen
from tests.cluster.rollouts import roll_out
from tests.kit.waiting import until
from tests.kube.plans import identity, plan, talk

KnownBy = Callable[[str], Awaitable[Cluster]]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLUSTER_WIDE = {"Namespace": NAMESPACE.path(), "ClusterRole": f"{RBAC}/clusterroles",
                "ClusterRoleBinding": f"{RBAC}/clusterrolebindings"}  # fmt: skip


async def create(cluster: Cluster, body: Object) -> None:
    place = body["metadata"].get("namespace", "")
    paths = CLUSTER_WIDE | {
        "ServiceAccount": SERVICE_ACCOUNT.path(place), "Secret": SECRET.path(place),
        "Role": f"{RBAC}/namespaces/{place}/roles", "RoleBinding": f"{RBAC}/namespaces/{place}/rolebindings",
    }  # fmt: skip
    await cluster.request("POST", paths[body["kind"]], body=body)


async def token_of(cluster: Cluster, place: str, name: str) -> str:
    """A token of a service account that ends in an hour."""
    path = SERVICE_ACCOUNT.path(place, name, "token")
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    return str((await cluster.request("POST", path, body=body))["status"]["token"])


@pytest.fixture
async def reader(cluster: Cluster, owner: Identity, as_account: KnownBy) -> Cluster:
    """A client that may read config maps and the logs of pods of the owner's namespace, and change one config map."""
    place = {"name": "reader", "namespace": owner.namespace}
    rules = [
        {"apiGroups": [""], "resources": ["configmaps", "pods/log"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["patch"]},
    ]
    api = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": "reader", "namespace": owner.namespace}]
    await create(cluster, {"kind": "ServiceAccount", "metadata": place})
    await create(cluster, {"kind": "Role", "metadata": place, "rules": rules})
    role = {"apiGroup": api, "kind": "Role", "name": "reader"}
    await create(cluster, {"kind": "RoleBinding", "metadata": place, "roleRef": role, "subjects": subjects})
    return await as_account(await token_of(cluster, owner.namespace, "reader"))


async def test_the_cluster_can_be_worked_with(cluster: Cluster) -> None:
    report = await check(cluster)
    assert report.passed
    assert report.uid == await namespaces.uid(cluster, "kube-system")


async def test_nothing_is_written_to_another_cluster_than_the_one_that_is_meant(place: Place, cluster: Cluster) -> None:
    name = f"other-{uuid.uuid4().hex[:8]}"
    other = await Cluster.open(place.access, uid=str(uuid.uuid4()))
    try:
        with pytest.raises(ClusterChanged):
            await other.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    finally:
        await other.close()
    assert await namespaces.uid(cluster, name) is None
    same = await Cluster.open(place.access, uid=await cluster.uid())
    try:
        await same.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}}, query={"dryRun": "All"})
    finally:
        await same.close()


async def test_an_account_may_do_what_its_role_says_and_nothing_else(
    cluster: Cluster, owner: Identity, reader: Cluster
) -> None:
    path = CONFIG_MAP.path(owner.namespace)
    for name in ("mine", "other"):
        await cluster.request("POST", path, body={"metadata": {"name": name}})
    assert len((await reader.request("GET", path))["items"]) >= 2
    change: Object = {"data": {"colour": "blue"}}
    await reader.request("PATCH", f"{path}/mine", body=change, content_type=MERGE)
    whose = f'User "system:serviceaccount:{owner.namespace}:reader"'
    place = f'in the namespace "{owner.namespace}"'
    with pytest.raises(Forbidden) as refused:
        await reader.request("PATCH", f"{path}/other", body=change, content_type=MERGE)
    assert refused.value.message == (
        f'configmaps "other" is forbidden: {whose} cannot patch resource "configmaps" in API group "" {place}'
    )
    with pytest.raises(Forbidden) as refused:
        await reader.request("GET", SECRET.path(owner.namespace))
    assert refused.value.message == (
        f'secrets is forbidden: {whose} cannot list resource "secrets" in API group "" {place}'
    )
    with pytest.raises(Forbidden) as refused:
        await reader.request("GET", NAMESPACE.path())
    assert refused.value.message == (
        f'namespaces is forbidden: {whose} cannot list resource "namespaces" in API group "" at the cluster scope'
    )
    with pytest.raises(Forbidden):
        async with reader.stream(POD.path(owner.namespace), query={"watch": True}):
            pass


async def test_a_log_needs_the_right_to_logs_and_none_to_pods(owner: Identity, reader: Cluster) -> None:
    with pytest.raises(NotFound):
        await log(reader, owner, "nobody")
    with pytest.raises(Forbidden):
        await reader.request("GET", POD.path(owner.namespace, "nobody"))


async def test_an_apply_that_makes_an_object_needs_the_right_to_create(
    cluster: Cluster, owner: Identity, reader: Cluster
) -> None:
    path = CONFIG_MAP.path(owner.namespace, "mine")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"colour": "blue"}}
    with pytest.raises(Forbidden) as refused:
        await reader.request("PATCH", path, query={"fieldManager": "reader"}, body=body, content_type=APPLY)
    assert "cannot create resource" in refused.value.message
    await cluster.request("PATCH", path, query={"fieldManager": "owner"}, body=body, content_type=APPLY)
    await reader.request("PATCH", path, query={"fieldManager": "reader"}, body=body, content_type=APPLY)


async def test_what_one_may_do_can_be_asked_beforehand(owner: Identity, reader: Cluster) -> None:
    async def may(verb: str, resource: str, place: str = owner.namespace, **more: str) -> bool:
        spec = {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": place, **more}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
        return bool((await reader.request("POST", path, body=body))["status"]["allowed"])

    assert await may("get", "configmaps")
    assert not await may("get", "configmaps", "default")
    assert not await may("get", "configmaps", "")
    assert not await may("delete", "configmaps")
    assert await may("patch", "configmaps", name="mine")
    assert not await may("patch", "configmaps", name="other")
    assert not await may("get", "pods")
    assert await may("get", "pods", subresource="log")
    assert not await may("get", "deployments", group="apps")


async def test_who_one_is_can_be_asked(owner: Identity, reader: Cluster) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await reader.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
    info = answer["status"]["userInfo"]
    assert info["username"] == f"system:serviceaccount:{owner.namespace}:reader"
    assert {"system:authenticated", "system:serviceaccounts"} <= set(info["groups"])


async def test_a_check_of_too_few_rights_names_what_is_missing(reader: Cluster) -> None:
    report = await check(reader)
    assert (report.passed, report.uid) == (False, "")
    assert report.checks[1].missing[:2] == ("get namespaces", "list namespaces")


async def test_a_token_that_is_none_is_unauthorized(as_account: KnownBy) -> None:
    stranger = await as_account("nonsense")
    with pytest.raises(Unauthorized) as refused:
        await stranger.request("GET", NAMESPACE.path())
    assert (refused.value.status, refused.value.reason) == (401, "Unauthorized")


async def test_a_token_ends_with_its_account(cluster: Cluster, owner: Identity, as_account: KnownBy) -> None:
    await create(cluster, {"kind": "ServiceAccount", "metadata": {"name": "brief", "namespace": owner.namespace}})
    brief = await as_account(await token_of(cluster, owner.namespace, "brief"))
    with pytest.raises(Forbidden):
        await brief.request("GET", CONFIG_MAP.path(owner.namespace))
    await cluster.request("DELETE", SERVICE_ACCOUNT.path(owner.namespace, "brief"))

    async def refusal() -> str:
        try:
            await brief.request("GET", CONFIG_MAP.path(owner.namespace))
        except (Forbidden, Unauthorized) as error:
            return error.reason
        return ""

    # A real API server keeps in mind for some seconds that a token was good.
    await until(refusal, "Unauthorized", 30)


@pytest.fixture
async def berth(cluster: Cluster, owner: Identity, as_account: KnownBy) -> AsyncIterator[Cluster]:
    """A client that is known by what `berth cluster credentials` makes."""
    made = credentials.objects(f"{owner.namespace}-berth", owner.namespace)
    for body in made:
        await create(cluster, body)
    place = identity(f"{owner.namespace}-berth")
    secret = await seen(cluster, place, SECRET, owner.namespace, lambda one: "token" in (one.get("data") or {}))
    yield await as_account(base64.b64decode(secret["data"]["token"]).decode())
    for body in made:
        if path := CLUSTER_WIDE.get(body["kind"]):
            await cluster.request("DELETE", f"{path}/{body['metadata']['name']}")


async def test_the_role_that_berth_asks_for_is_enough_for_all_that_it_does(owner: Identity, berth: Cluster) -> None:
    assert [found.name for found in (await check(berth)).checks if found.needed and not found.passed] == []
    mine = identity(f"{owner.namespace}-mine")
    uid = await namespaces.create(berth, namespace(mine))
    try:
        wanted = plan(talk())
        await roll_out(berth, mine, wanted)
        assert await log(berth, mine, "talk-0") != b""
        items = await apply(berth, objects(mine, wanted))
        assert len(await prune(berth, mine.namespace, items, [])) == len(items)
    finally:
        await namespaces.delete(berth, mine.namespace, uid)
    async for _ in namespaces.follow_deletion(berth, mine.namespace, uid):
        pass
    assert await namespaces.uid(berth, mine.namespace) is None

"""Service accounts: their tokens, and what their roles let them do."""

import base64
from typing import Any

import pytest

from tests.simulator.client import CONFIG_MAPS, Client, config_map

ACCOUNTS = "/api/v1/namespaces/shop/serviceaccounts"
SECRETS = "/api/v1/namespaces/shop/secrets"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES, BINDINGS = f"{RBAC}/namespaces/shop/roles", f"{RBAC}/namespaces/shop/rolebindings"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
READ = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
SUBJECT = {"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}


async def bind(api: Client, rules: list[Any], *, wide: bool = False) -> None:
    """A role of the account `reader` in `shop`, or in the whole cluster."""
    kind = "ClusterRole" if wide else "Role"
    body = {
        "metadata": {"name": "reader"},
        "roleRef": {"kind": kind, "name": "reader"},
        "subjects": [SUBJECT],
    }
    await api.post(f"{RBAC}/clusterroles" if wide else ROLES, {"metadata": {"name": "reader"}, "rules": rules})
    await api.post(f"{RBAC}/clusterrolebindings" if wide else BINDINGS, body)


async def token(api: Client, seconds: int = 3600) -> str:
    answer = await api.post(f"{ACCOUNTS}/reader/token", {"spec": {"expirationSeconds": seconds}})
    return str(answer["status"]["token"])


async def asked(api: Client, token: str, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with api.session.request(method, path, headers=headers, json=body) as answer:
        return answer.status, await answer.json()


@pytest.fixture
async def reader(shop: Client) -> Client:
    await shop.post(ACCOUNTS, {"metadata": {"name": "reader"}})
    return shop


async def test_a_token_ends_in_its_time_and_with_its_account(reader: Client) -> None:
    await bind(reader, [READ])
    given = await token(reader, 600)
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 200
    await reader.advance(599)
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 200
    await reader.advance(1)
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 401
    given = await token(reader)
    await reader.delete(f"{ACCOUNTS}/reader")
    await reader.post(ACCOUNTS, {"metadata": {"name": "reader"}})
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 401
    assert (await reader.refused("POST", f"{ACCOUNTS}/reader/token", {"spec": {"expirationSeconds": 9}}))["code"] == 422
    assert (await reader.refused("POST", f"{ACCOUNTS}/nobody/token", {}))["code"] == 404


@pytest.mark.parametrize("given", ["", "nonsense", "e30.e30", "let-me-in.let-me-in"])
async def test_a_token_of_somebody_else_is_none(reader: Client, given: str) -> None:
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 401


async def test_a_secret_is_filled_with_a_token_that_lives_as_long_as_it(reader: Client) -> None:
    await bind(reader, [READ])
    mark = {"kubernetes.io/service-account.name": "reader"}
    made = {"metadata": {"name": "t", "annotations": mark}, "type": "kubernetes.io/service-account-token"}
    await reader.post(SECRETS, made)
    await reader.advance(0)
    data = (await reader.get(f"{SECRETS}/t"))["data"]
    assert base64.b64decode(data["namespace"]) == b"shop"
    given = base64.b64decode(data["token"]).decode()
    await reader.advance(10**6)
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 200
    await reader.delete(f"{SECRETS}/t")
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 401
    await reader.post(SECRETS, made)
    await reader.delete(f"{ACCOUNTS}/reader")
    await reader.advance(0)
    assert (await reader.refused("GET", f"{SECRETS}/t"))["code"] == 404


async def test_a_role_holds_in_its_namespace_and_a_wide_one_everywhere(reader: Client) -> None:
    given = await token(reader)
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 403
    await bind(reader, [READ])
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 200
    assert (await asked(reader, given, "/api/v1/configmaps"))[0] == 403
    await bind(reader, [READ], wide=True)
    assert (await asked(reader, given, "/api/v1/configmaps"))[0] == 200
    assert (await asked(reader, given, CONFIG_MAPS, "POST", config_map()))[0] == 403


async def test_a_wide_role_may_be_bound_in_one_namespace(reader: Client) -> None:
    await reader.post(f"{RBAC}/clusterroles", {"metadata": {"name": "reader"}, "rules": [READ]})
    role = {"kind": "ClusterRole", "name": "reader"}
    group = {"kind": "Group", "name": "system:serviceaccounts:shop"}
    await reader.post(BINDINGS, {"metadata": {"name": "reader"}, "roleRef": role, "subjects": [group]})
    given = await token(reader)
    assert (await asked(reader, given, CONFIG_MAPS))[0] == 200
    assert (await asked(reader, given, "/api/v1/namespaces/default/configmaps"))[0] == 403


async def test_a_review_says_which_binding_allows(reader: Client) -> None:
    await bind(reader, [READ])
    given = await token(reader)
    spec = {"resourceAttributes": {"verb": "get", "resource": "configmaps", "namespace": "shop"}}
    _, answer = await asked(reader, given, REVIEWS, "POST", {"spec": spec})
    assert answer["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "reader/shop" of Role "reader" to ServiceAccount "reader/shop"',
    }
    spec["resourceAttributes"]["verb"] = "delete"
    _, answer = await asked(reader, given, REVIEWS, "POST", {"spec": spec})
    assert answer["status"] == {"allowed": False}


async def test_faults_are_switched_by_none_of_them(reader: Client) -> None:
    assert (await asked(reader, await token(reader), "/simulator/faults"))[0] == 401
    assert (await asked(reader, await token(reader), "/version"))[0] == 200

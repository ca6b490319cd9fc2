"""What a server says to objects before they are applied, where it says less than others do."""

from typing import Any

import orjson
import pytest
from aiohttp import web as http

from kube.apply import Judged, rehearse
from kube.errors import PolicyDenied
from kube.manifests import holdings
from tests.kube.plans import identity, web
from tests.kube.serving import served

ASKED = {"dryRun": "All", "fieldManager": "berth", "fieldValidation": "Strict"}


def refusing(message: str) -> Any:
    """A server whose webhook for Secrets answers with this; it takes everything else."""

    async def answer(request: http.Request) -> http.Response:
        assert ASKED.items() <= dict(request.query).items()
        if "/secrets/" not in request.path:
            return http.json_response(orjson.loads(await request.read()))
        status = {"kind": "Status", "code": 400, "reason": "BadRequest", "message": message}
        return http.json_response(status, status=400)

    return answer


async def test_an_object_whose_webhook_takes_no_dry_runs_is_told_and_the_others_are_judged() -> None:
    made = holdings(identity(), web())
    async with served(refusing('admission webhook "seal.example.dev" does not support dry run')) as cluster:
        assert await rehearse(cluster, made) == [
            Judged("Secret", "web.web.env", None),
            Judged("ConfigMap", "web.app", ()),
            Judged("ConfigMap", "web.web.env", ()),
        ]


async def test_an_object_that_a_webhook_refuses_is_refused() -> None:
    async with served(refusing('admission webhook "seal.example.dev" denied the request: unsealed')) as cluster:
        with pytest.raises(PolicyDenied) as refused:
            await rehearse(cluster, holdings(identity(), web()))
    assert refused.value.details["object"] == "Secret/web.web.env"

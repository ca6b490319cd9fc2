"""Instances as they are read."""

import pytest

from rules.enums import InstanceState
from tests.kit import makers
from tests.kit.client import Api

pytestmark = pytest.mark.usefixtures("opened_database")


async def test_a_list_shows_instances_with_their_app_and_services() -> None:
    world = await makers.world("acme", web={}, db={"type": "db"})
    await makers.instance(world, "dev")
    await makers.instance(world, "prod", InstanceState.AWAITING)
    data = await Api(world.owner).query(
        """{ instances(order: NAME) { totalCount nodes { name title namespace state outdated
             app { name organization { name } } environment { name type } cluster { name state }
             stackRevision { number stack { name } }
             services { name main enabled state replicas option } } } }"""
    )
    web = {"name": "web", "main": True, "enabled": True, "state": "OK", "replicas": 1, "option": "1.1"}
    db = {"name": "db", "main": False, "enabled": True, "state": "OK", "replicas": 1, "option": "1.1"}
    dev = {
        "name": "dev",
        "title": "Dev",
        "namespace": "shop-dev",
        "state": "OK",
        "outdated": False,
        "app": {"name": "shop", "organization": {"name": "acme"}},
        "environment": {"name": "dev", "type": "DEV"},
        "cluster": {"name": "main", "state": "CONNECTED"},
        "stackRevision": {"number": 1, "stack": {"name": "shop"}},
        "services": [web, db],
    }
    prod = {
        **dev,
        "name": "prod",
        "title": "Prod",
        "namespace": "shop-prod",
        "state": "AWAITING",
        "services": [{**web, "state": "NEW"}, {**db, "state": "NEW"}],
    }
    assert data == {"instances": {"totalCount": 2, "nodes": [dev, prod]}}

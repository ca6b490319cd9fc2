"""Every public service of the folder that BERTH_MANIFESTS names, without its chart, passes the server's dry run."""

import os

import pytest

from catalogue.findings import Code
from kube.clients import Cluster
from kube.labels import Identity
from tests.catalogue.chartless import instance_of, without_charts
from tests.catalogue.made import FACTS
from tests.cluster.dry_runs import judge

SERVICES, FINDINGS = without_charts(os.environ["BERTH_MANIFESTS"])


def test_what_cannot_be_rendered_lacks_a_parent_or_everything_that_runs() -> None:
    assert {finding.code for finding in FINDINGS} <= {Code.UNKNOWN_PARENT, Code.MISSING_FIELD}
    assert len(SERVICES) > len(FINDINGS)


@pytest.mark.parametrize("name", SERVICES)
async def test_every_object_of_a_published_service_passes(cluster: Cluster, owner: Identity, name: str) -> None:
    wanted = instance_of(name, SERVICES, FACTS)
    assert await judge(cluster, owner, wanted) >= len(wanted.services)

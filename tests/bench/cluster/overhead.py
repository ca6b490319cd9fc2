"""What Berth adds to a rollout: createInstance to OK beside `kubectl apply` of the same objects to `rollout status`.

On the real node, alternating, medians: at most 1.5 s more.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from kube.manifests import namespace, objects
from tests.bench.cluster.installed import installed
from tests.cluster.test_own_catalogue import plan_of
from tests.kit.installation import Installation
from tests.kube.plans import identity

TIMES = 10
BOUND = 1.5
KUBECONFIG = os.environ["BERTH_TEST_KUBECONFIG"]
STACK = "site"


def run() -> Iterator[str]:
    """A line with both medians and their difference."""
    with installed() as berth:
        stacks = berth.catalogue()
        place = {"environmentId": berth.environment(), "clusterId": berth.cluster("first", Path(KUBECONFIG))}
        first = berth.app(STACK, stacks[STACK], {**place, "name": "warm"})
        assert berth.ended(first["task"])["state"] == "DONE"
        ours, theirs = [], []
        for number in range(TIMES):
            ours.append(_berth(berth, first["app"], {**place, "name": f"n{number}"}))
            theirs.append(_kubectl(f"plain-{uuid.uuid4().hex[:8]}", berth.folder / "objects.json"))
        berth.ended(berth.change("deleteInstance", {"id": first["instance"]}))
    more = median(ours) - median(theirs)
    yield (
        f"createInstance to OK on the real node: {median(ours):.2f} s, kubectl apply to rollout status "
        f"{median(theirs):.2f} s: {more:+.2f} s (at most +{BOUND} s) {'ok' if more <= BOUND else 'NOT OK'}"
    )


def _berth(berth: Installation, app: str, instance: dict[str, Any]) -> float:
    began = monotonic()
    made = berth.remote.change("createInstance", {"appId": app, "instance": instance}, "instance { id } task { id }")
    assert berth.ended(made["task"]["id"])["state"] == "DONE"
    took = monotonic() - began
    assert berth.ended(berth.change("deleteInstance", {"id": made["instance"]["id"]}))["state"] == "DONE"
    return took


def _kubectl(name: str, file: Path) -> float:
    """The same plan's objects under another namespace, by hand."""
    whose = identity(name)
    made = [namespace(whose), *objects(whose, plan_of(STACK, name))]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
    workloads = [one for one in made if one["kind"] in ("Deployment", "StatefulSet")]
    began = monotonic()
    _ask("apply", "--server-side", "--filename", str(file))
    for one in workloads:
        _ask("rollout", "status", f"{one['kind'].lower()}/{one['metadata']['name']}", f"--namespace={name}")
    took = monotonic() - began
    _ask("delete", "namespace", name)
    return took


def _ask(*arguments: str) -> None:
    command = ["kubectl", f"--kubeconfig={KUBECONFIG}", *arguments]
    subprocess.run(command, check=True, capture_output=True)

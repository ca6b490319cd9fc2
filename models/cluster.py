"""Kubernetes clusters, and namespaces given up on them."""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import identity, moment, reference, words


class Cluster(Model):
    """How to reach a Kubernetes cluster. `uid` says which cluster it is."""

    id: str = identity("cls")
    organization: Any = reference("Organization")
    organization_id: str
    name: str = words()
    title: str = words()
    kind: str = words()
    server: str = words("")
    kubeconfig: str | None = fields.TextField(null=True)
    uid: str = words()
    kubernetes_version: str = words("")
    state: str = words("SYNCING")
    state_reason: str = words("")
    state_since: datetime = moment()
    synced_at: datetime | None = moment(null=True)
    breaker: str = words("CLOSED")
    breaker_reason: str = words("")
    breaker_since: datetime | None = moment(null=True)
    breaker_next_try: datetime | None = moment(null=True)
    checks: Any = fields.JSONField(default=list)
    checked_at: datetime | None = moment(null=True)
    version: int = fields.IntField(default=1)
    seq: int = fields.BigIntField(default=0)
    created_at: datetime = moment()
    removed_at: datetime | None = moment(null=True)

    class Meta:
        table = "cluster"


class AbandonedNamespace(Model):
    """What a forced deletion may have left on a cluster; its name is blocked until it is gone."""

    id: str = identity("abn")
    organization: Any = reference("Organization")
    organization_id: str
    cluster: Any = reference("Cluster")
    cluster_id: str
    cluster_uid: str = words()
    namespace: str = words()
    namespace_uid: str | None = fields.TextField(null=True)
    instance_id: str = words()
    task_id: str = words()
    created_at: datetime = moment()

    class Meta:
        table = "abandoned_namespace"

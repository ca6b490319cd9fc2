"""What a new installation begins with, made through the API: a catalogue, an environment, a cluster, an app.

Each part is looked for first, so running it again adds only what is missing.
"""

import json
from dataclasses import dataclass
from typing import Any

from catalogue import own
from command.remote import Remote, RemoteError
from command.waiting import wait_for_task

_SEEN = """query Seen($organization: ID!, $in: String!, $cluster: String!, $environment: String!, $app: String!) {
  stacks(first: 100, filter: {organization: $organization}) {
    nodes { id name latestRevision { id } draft { id } }
  }
  cluster(name: $cluster, organization: $in) { id server }
  environment(name: $environment, organization: $in) { id }
  app(name: $app, organization: $in) { id }
}"""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """A cluster under the name it is to have, and how it is reached. kind: KUBECONFIG or SIMULATOR."""

    name: str
    kubeconfig: str
    kind: str = "KUBECONFIG"

    @property
    def server(self) -> str:
        """The address in the kubeconfig, which has one cluster and is JSON or YAML."""
        import yaml

        return str(yaml.safe_load(self.kubeconfig)["clusters"][0]["cluster"]["server"])


@dataclass(frozen=True, slots=True)
class First:
    """What is to be there. `app` is the name of a stack that ships with Berth and of the app made of it, or empty."""

    organization_id: str
    cluster: ClusterAccess
    environment: str = "dev"
    app: str = ""
    instance: str = "main"

    def make(self, remote: Remote, seconds: float = 60) -> str:
        """Make what is missing, and wait for the first instance; returns what there is to say of it, if anything.

        Raises:
            RemoteError: something was refused.
        """
        seen = remote.ask(
            _SEEN,
            **{"organization": self.organization_id, "in": self.organization_id},
            cluster=self.cluster.name,
            environment=self.environment,
            app=self.app or "none",
        )
        stacks = {stack["name"]: stack for stack in seen["stacks"]["nodes"]}
        if not stacks:
            stacks = import_files(remote, self.organization_id, [(one.file, one.text) for one in own.documents()])
        for stack in stacks.values():
            if stack["draft"] and not stack["latestRevision"]:
                remote.change("publishStack", {"id": stack["id"]}, "stack { id }")
        environment = (seen["environment"] or self._environment(remote))["id"]
        cluster = self._cluster(remote, seen["cluster"])
        if not self.app or seen["app"]:
            return ""
        return wait_for_task(remote, self._app(remote, stacks[self.app]["id"], environment, cluster), seconds)

    def _environment(self, remote: Remote) -> Any:
        given = {"organizationId": self.organization_id, "name": self.environment, "type": "DEV"}
        return remote.change("createEnvironment", given, "environment { id }")["environment"]

    def _cluster(self, remote: Remote, known: Any) -> str:
        """Register the cluster; one that has moved since is told its new address."""
        access = self.cluster
        if known is None:
            given = {"organizationId": self.organization_id, "name": access.name, "kind": access.kind}
            made = remote.change("registerCluster", given | {"kubeconfig": access.kubeconfig}, "cluster { id }")
            return str(made["cluster"]["id"])
        if known["server"] != access.server:
            remote.change("updateCluster", {"id": known["id"], "kubeconfig": access.kubeconfig}, "cluster { id }")
        return str(known["id"])

    def _app(self, remote: Remote, stack: str, environment: str, cluster: str) -> str:
        """Create the app; returns the task that creates its first instance."""
        instance = {"name": self.instance, "environmentId": environment, "clusterId": cluster}
        given = {"organizationId": self.organization_id, "stackId": stack, "name": self.app, "instance": instance}
        return str(remote.change("createApp", given, "task { id }")["task"]["id"])


def import_files(remote: Remote, organization_id: str, files: list[tuple[str, str]]) -> dict[str, Any]:
    """Import manifests, (file, text) each, parents before those who inherit; returns the stacks by name.

    Several requests are made of files that do not fit into one.

    Raises:
        RemoteError: a manifest was refused; what requests before it held was imported.
    """
    stacks: dict[str, Any] = {}
    for batch in _batches(files):
        given = {"organizationId": organization_id, "files": [{"name": file, "text": text} for file, text in batch]}
        made = remote.change("importCatalogue", given, "stacks { id name latestRevision { id } draft { id } }")
        stacks |= {stack["name"]: stack for stack in made["stacks"]}
    return stacks


def _batches(files: list[tuple[str, str]], most: int = 600_000) -> list[list[tuple[str, str]]]:
    """Files in requests of at most `most` bytes each: the API takes 1 MB."""
    batches: list[list[tuple[str, str]]] = []
    room = 0
    for file, text in files:
        size = len(json.dumps([file, text]))
        if not batches or size > room or len(batches[-1]) == 500:
            batches.append([])
            room = most
        batches[-1].append((file, text))
        room -= size
    return batches


def organization_id(remote: Remote, name: str) -> str:
    """The id of an organization by its name, or of the only one that the token sees.

    Raises:
        RemoteError: there is none of that name, or the name is needed.
    """
    seen = remote.ask("query { viewer { organizations(first: 100) { nodes { id name } } } }")
    found = {one["name"]: str(one["id"]) for one in seen["viewer"]["organizations"]["nodes"]}
    if name and name not in found:
        raise RemoteError(f"The token sees no organization {name!r}.")
    if not name and len(found) != 1:
        raise RemoteError(f"The token sees {len(found)} organizations; name one with --organization.")
    return found[name] if name else next(iter(found.values()))

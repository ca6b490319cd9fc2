"""The service account of `berth cluster credentials` has the rights that a cluster is checked for, and no others."""

import base64
import json
import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from command import credentials
from command.program import program
from kube import role
from kube.kubeconfig import read
from kube.role import RIGHTS

KUBECTL = """#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if "apply" in words:
    (folder / "applied").write_text(sys.stdin.read())
elif "config" in words:
    print((folder / "view").read_text())
elif "secret" in words:
    print((folder / "secret").read_text())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kubectl that notes what it is asked."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    view = {"clusters": [{"cluster": {"server": "https://203.0.113.7:6443"}}]}
    (tmp_path / "view").write_text(json.dumps(view))
    (tmp_path / "secret").write_text(json.dumps({"data": {"token": base64.b64encode(b"the-token").decode()}}))
    return tmp_path


def test_the_role_is_what_a_cluster_is_checked_for() -> None:
    (found,) = [one for one in credentials.objects("berth-system", "berth") if one["kind"] == "ClusterRole"]
    granted = {
        (group, resource, verb)
        for rule in found["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == {(right.group, right.resource, verb) for right in RIGHTS for verb in right.verbs}


def test_the_account_is_applied_and_its_kubeconfig_can_be_read_by_berth(folder: Path) -> None:
    done = CliRunner().invoke(program, ["cluster", "credentials", "--context", "prod"])
    assert done.exit_code == 0
    assert list(yaml.safe_load_all((folder / "applied").read_text())) == credentials.objects("berth-system", "berth")
    access = read(done.stdout, allow_private=True)
    assert (access.server, access.token) == ("https://203.0.113.7:6443", "the-token")
    calls = [json.loads(line) for line in (folder / "calls").read_text().splitlines()]
    assert {tuple(call[:2]) for call in calls} == {("--context", "prod")}


def test_the_manifest_is_printed_without_kubectl(folder: Path) -> None:
    done = CliRunner().invoke(program, ["cluster", "credentials", "--manifest"])
    assert done.stdout == credentials.manifest("berth-system", "berth")
    assert not (folder / "calls").exists()


def test_a_failure_of_kubectl_is_said(folder: Path) -> None:
    (folder / "kubectl").write_text("#!/bin/sh\necho 'no rights' >&2\nexit 3\n")
    done = CliRunner().invoke(program, ["cluster", "credentials"])
    assert (done.exit_code, done.stderr) == (1, "kubectl apply failed: no rights\n")


def test_without_kubectl_the_other_way_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = CliRunner().invoke(program, ["cluster", "credentials"])
    sentence = "kubectl is not installed; `berth cluster credentials --manifest` prints what it would apply.\n"
    assert (done.exit_code, done.stderr) == (1, sentence)


def test_the_role_is_printed_for_an_account() -> None:
    done = CliRunner().invoke(program, ["cluster", "role", "--account", "system:serviceaccount:tools:berth"])
    made, bound = yaml.safe_load_all(done.stdout)
    assert (made, done.exit_code) == (role.role(), 0)
    assert bound["subjects"] == [{"kind": "ServiceAccount", "name": "berth", "namespace": "tools"}]
    assert bound["roleRef"]["name"] == made["metadata"]["name"]
    done = CliRunner().invoke(program, ["cluster", "role", "--account", "ada@example.com"])
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ada@example.com"}
    assert list(yaml.safe_load_all(done.stdout))[1]["subjects"] == [subject]
    assert list(yaml.safe_load_all(CliRunner().invoke(program, ["cluster", "role"]).stdout)) == [role.role()]

"""Kubeconfigs are data: what could run, open or weaken something is refused at its place."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube.errors import AddressRefused, KubeconfigInvalid
from kube.kubeconfig import SIZE_LIMIT, embed, in_cluster, read

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").decode()
SERVER = "https://k8s.example.com:6443"


def config(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, context: str = "x", **rest: Any
) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "secret"} if user is None else user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": context,
        **rest,
    }
    return yaml.safe_dump(document)


def test_a_token_gives_access() -> None:
    access = read(config({"certificate-authority-data": PEM, "tls-server-name": "kubernetes"}), allow_private=False)
    assert (access.server, access.token, access.tls_server_name) == (SERVER, "secret", "kubernetes")
    assert access.ca is not None
    assert access.ca.startswith("-----BEGIN CERTIFICATE-----")
    assert "secret" not in repr(access)


def test_a_client_certificate_gives_access() -> None:
    access = read(config(user={"client-certificate-data": PEM, "client-key-data": PEM}), allow_private=False)
    assert access.token is None
    assert access.client_key is not None


def test_the_current_context_decides_among_several() -> None:
    clusters = [{"name": name, "cluster": {"server": f"https://{name}.example.com"}} for name in ("a", "b")]
    contexts = [{"name": name, "context": {"cluster": name, "user": "u"}} for name in ("a", "b")]
    text = config(clusters=clusters, contexts=contexts, context="b")
    assert read(text, allow_private=False).server == "https://b.example.com"


@pytest.mark.parametrize(
    ("cluster", "user", "place"),
    [
        ({}, {"exec": {"command": "/bin/sh"}}, "users[0].user.exec"),
        ({}, {"auth-provider": {"name": "gcp"}}, "users[0].user.auth-provider"),
        ({}, {"tokenFile": "/etc/passwd"}, "users[0].user.tokenFile"),
        ({}, {"client-certificate": "/a", "client-key": "/b"}, "users[0].user.client-certificate"),
        ({}, {"username": "admin", "password": "x"}, "users[0].user.username"),
        ({}, {"token": "x", "as": "root"}, "users[0].user.as"),
        ({}, {"token": "a\r\nX-Header: b"}, "users[0].user.token"),
        ({}, {}, "users[0].user"),
        ({}, {"client-certificate-data": PEM}, "users[0].user"),
        ({}, {"client-certificate-data": "%%%", "client-key-data": PEM}, "users[0].user.client-certificate-data"),
        ({"certificate-authority": "/ca.crt"}, None, "clusters[0].cluster.certificate-authority"),
        ({"certificate-authority-data": "aGVsbG8="}, None, "clusters[0].cluster.certificate-authority-data"),
        ({"insecure-skip-tls-verify": True}, None, "clusters[0].cluster.insecure-skip-tls-verify"),
        ({"proxy-url": "http://proxy"}, None, "clusters[0].cluster.proxy-url"),
        ({"server": "http://k8s.example.com"}, None, "clusters[0].cluster.server"),
        ({"server": "https://user:pass@k8s.example.com"}, None, "clusters[0].cluster.server"),
        ({"server": "ftp://k8s.example.com"}, None, "clusters[0].cluster.server"),
        ({"server": "https://k8s.example.com:99999"}, None, "clusters[0].cluster.server"),
        ({"server": 5}, None, "clusters[0].cluster.server"),
    ],
)
def test_what_is_more_than_data_is_refused_at_its_place(
    cluster: dict[str, Any], user: dict[str, Any] | None, place: str
) -> None:
    with pytest.raises(KubeconfigInvalid) as refused:
        read(config(cluster, user), allow_private=False)
    assert refused.value.path == place
    assert refused.value.remedy != ""


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.0"]
)
def test_an_address_that_is_not_public_is_refused_unless_allowed(host: str) -> None:
    text = config({"server": f"https://{host}:6443"})
    with pytest.raises(AddressRefused):
        read(text, allow_private=False)
    assert read(text, allow_private=True).server == f"https://{host}:6443"


def test_plain_http_is_for_allowed_addresses_only() -> None:
    assert read(config({"server": "http://127.0.0.1:8080"}), allow_private=True).server == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [",
        "a: &x 1\nb: *x",
        "[" * 5000,
        "a: !!python/object/apply:os.system [x]",
        "x" * (SIZE_LIMIT + 1),
        "\x00",
        "clusters: 5\nusers: {}\ncontexts: []\ncurrent-context: x",
        "a: 2020-99-99",
    ],
)
def test_what_is_no_kubeconfig_is_one_clear_problem(text: str) -> None:
    with pytest.raises(KubeconfigInvalid) as refused:
        read(text, allow_private=False)
    assert refused.value.code == "INVALID_KUBECONFIG"


def test_a_context_that_is_missing_is_named() -> None:
    with pytest.raises(KubeconfigInvalid, match="current-context does not name one of its contexts"):
        read(config(context="other"), allow_private=False)


def test_the_command_line_embeds_files_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    for name in ("ca.crt", "me.crt", "me.key"):
        (tmp_path / name).write_text(f"-----BEGIN {name}-----\n")
    text = config({"certificate-authority": "ca.crt"}, {"client-certificate": "me.crt", "client-key": "me.key"})
    access = read(embed(text, tmp_path), allow_private=False)
    assert access.ca == "-----BEGIN ca.crt-----\n"
    assert access.client_certificate == "-----BEGIN me.crt-----\n"
    assert access.client_key == "-----BEGIN me.key-----\n"


def test_the_command_line_embeds_a_token_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert read(embed(config(user={"tokenFile": "token"}), tmp_path), allow_private=False).token == "abc"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigInvalid, match=r"gone\.crt cannot be read"):
        embed(config({"certificate-authority": "gone.crt"}), tmp_path)


def test_the_pod_of_a_cluster_finds_its_own_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KubeconfigInvalid):
        in_cluster(tmp_path)
    (tmp_path / "token").write_text("abc")
    (tmp_path / "ca.crt").write_text("pem")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = in_cluster(tmp_path)
    assert (access.server, access.ca, access.token_file) == ("https://[fd00::1]:443", "pem", tmp_path / "token")

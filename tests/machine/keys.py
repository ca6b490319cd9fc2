"""The certificates and kubeconfigs of one control plane."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "node-1", "kubernetes.default.svc")
ADDRESSES = ("127.0.0.1", "10.96.0.1", "10.99.0.1")
_GROUPS = {
    "apiserver": ("", "apiserver"),
    "admin": ("system:masters", "admin"),
    "node-1": ("system:nodes", "system:node:node-1"),
    "kcm": ("", "system:kube-controller-manager"),
    "sched": ("", "system:kube-scheduler"),
}


def make(folder: Path, server: str) -> None:
    """Writes ca.crt, a certificate, key and kubeconfig for each of the parts, and the keys of service accounts.

    server: the API server's URL.
    """
    folder.mkdir(parents=True, mode=0o700)
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("", "test-authority")
    ca = _builder(issuer, issuer, authority.public_key())
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    ca_pem = ca.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "ca.crt").write_bytes(ca_pem)
    for part, (group, name) in _GROUPS.items():
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_name(group, name), issuer, key.public_key()).add_extension(_alternatives(), critical=False)
        signed = made.sign(authority, hashes.SHA256())
        (folder / f"{part}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (folder / f"{part}.key").write_bytes(_private(key))
        (folder / f"{part}.kubeconfig").write_text(kubeconfig(folder, part, server))
    accounts = ec.generate_private_key(ec.SECP256R1())
    (folder / "sa.key").write_bytes(_private(accounts))
    public = accounts.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "sa.pub").write_bytes(pem)


def kubeconfig(folder: Path, part: str, server: str) -> str:
    """A kubeconfig with file references, as JSON, which is YAML too."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": f"{folder}/ca.crt"}}],
            "users": [
                {
                    "name": "u",
                    "user": {"client-certificate": f"{folder}/{part}.crt", "client-key": f"{folder}/{part}.key"},
                }
            ],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
    )


def _name(group: str, name: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=30))
    )


def _alternatives() -> x509.SubjectAlternativeName:
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
    return x509.SubjectAlternativeName([*(x509.DNSName(name) for name in NAMES), *addresses])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

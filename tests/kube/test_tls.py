"""Who the server is, its certificate proves; who we are, ours does; and every way in which that fails has its name."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from kube.clients import connect
from kube.errors import CertificateRefused, KubeconfigInvalid, NotKubernetes, Unreachable
from kube.kubeconfig import Access
from tests.kit.certificates import AUTHORITY, Pair, issue, serving


@asynccontextmanager
async def secured(folder: Path, pair: Pair, *, clients: Pair | None = None) -> AsyncIterator[str]:
    """The address of an https server with this certificate, which asks for a client's when `clients` signs them."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.34.0"})

    context = serving(pair, folder)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.pem)
    app = web.Application()
    app.router.add_get("/version", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def access(url: str, **changes: str) -> Access:
    options = {"ca": AUTHORITY.pem, "token": "t", "tls_server_name": "kubernetes"} | changes
    return Access(url, allow_private=True, **options)  # type: ignore[arg-type]


async def test_the_authority_and_the_name_of_the_kubeconfig_are_what_counts(tmp_path: Path) -> None:
    async with secured(tmp_path, issue("kubernetes", AUTHORITY)) as url, connect(access(url)) as cluster:
        assert await cluster.request("GET", "/version") == {"gitVersion": "v1.34.0"}


@pytest.mark.parametrize(
    ("pair", "changes", "why"),
    [
        (issue("kubernetes", issue("stranger")), {}, "unable to get local issuer certificate"),
        (issue("kubernetes", AUTHORITY, days=-1), {}, "certificate has expired"),
        (issue("other", AUTHORITY), {}, "Hostname mismatch"),
        (issue("kubernetes", AUTHORITY), {"ca": issue("stranger").pem}, "unable to get local issuer certificate"),
    ],
    ids=["stranger", "expired", "other host", "wrong authority"],
)
async def test_a_certificate_that_does_not_prove_it_is_refused(
    tmp_path: Path, pair: Pair, changes: dict[str, str], why: str
) -> None:
    async with secured(tmp_path, pair) as url, connect(access(url, **changes)) as cluster:
        with pytest.raises(CertificateRefused, match=why):
            await cluster.request("GET", "/version")


async def test_a_client_certificate_lets_in_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = issue("me", AUTHORITY)
    left = tmp_path / "temporary"
    left.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(left))
    async with secured(tmp_path, issue("kubernetes", AUTHORITY), clients=AUTHORITY) as url:
        async with connect(access(url, client_certificate=me.pem, client_key=me.key_pem)) as cluster:
            assert await cluster.request("GET", "/version") == {"gitVersion": "v1.34.0"}
        async with connect(access(url)) as cluster:
            with pytest.raises(Unreachable):
                await cluster.request("GET", "/version", repeatable=False)
    assert list(left.iterdir()) == []


async def test_a_key_of_another_certificate_is_refused_before_any_call() -> None:
    me, other = issue("me", AUTHORITY), issue("other", AUTHORITY)
    with pytest.raises(KubeconfigInvalid, match="do not fit together"):
        async with connect(access("https://127.0.0.1:1", client_certificate=me.pem, client_key=other.key_pem)):
            raise AssertionError("it must not open")


async def test_a_server_without_tls_is_not_kubernetes(tmp_path: Path) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with connect(access(f"https://127.0.0.1:{runner.addresses[0][1]}")) as cluster:
            with pytest.raises(NotKubernetes):
                await cluster.request("GET", "/version", repeatable=False)
    finally:
        await runner.cleanup()

"""The HTTP side of one cluster: kubernetes-asyncio's configuration and client over sessions of our own.

The generated client's own session has no timeouts, no keepalive, one pool for everything, follows redirects and
trusts proxy variables and ~/.netrc. Only its session is replaced; authentication and addressing stay its own.
"""

import errno
import ssl
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.resolver import ThreadedResolver
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.client.rest import RESTClientObject

from kube.addresses import GuardedResolver, keepalive_socket
from kube.errors import KubeconfigInvalid
from kube.kubeconfig import Access

USER_AGENT = "berth/0.1"
STREAM_POOL = 512
_READ_BUFFER = 64 * 1024


class Rest(RESTClientObject):
    """The generated client's transport on a given session; hands the raw response back, body and status unread."""

    def __init__(self, session: aiohttp.ClientSession, server_hostname: str | None) -> None:
        self.pool_manager = session
        self.server_hostname: str | None = server_hostname  # type: ignore[assignment]

    async def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        query_params: Any = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        post_params: Any = None,
        _preload_content: bool = False,
        _request_timeout: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.ClientResponse:
        try:
            return await self.pool_manager.request(
                method,
                url,
                params=query_params,
                headers=headers,
                data=body,
                timeout=_request_timeout,
                server_hostname=self.server_hostname,
                allow_redirects=False,
            )
        except RuntimeError as error:
            # uvloop refuses the descriptor of a connection that it has not quite let go (MagicStack/uvloop#653).
            if "is used by transport" not in str(error):
                raise
            raise aiohttp.ClientOSError(errno.EBADF, "uvloop has not let go of the descriptor yet") from error


class Api(ApiClient):
    """The generated client without the session and TLS context that its own constructor makes."""

    def __init__(self, configuration: Configuration, rest: Rest) -> None:
        self.configuration = configuration
        self.rest_client: Rest = rest
        self.last_response: aiohttp.ClientResponse | None = None
        self.default_headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self.cookie = ""
        self.client_side_validation = False


def configuration(access: Access) -> Configuration:
    """kubernetes-asyncio's configuration for this access; an in-cluster token is read again at each change."""
    made = Configuration(host=access.server)
    made.tls_server_name = access.tls_server_name
    if access.token_file is not None:
        token_file, seen = access.token_file, {"at": token_file_time(access.token_file)}
        made.api_key["BearerToken"] = token_file.read_text().strip()

        def refresh(configuration: Configuration) -> None:
            changed = token_file_time(token_file)
            if changed != seen["at"]:
                seen["at"] = changed
                configuration.api_key["BearerToken"] = token_file.read_text().strip()

        made.refresh_api_key_hook = refresh
    elif access.token is not None:
        made.api_key["BearerToken"] = access.token
    made.api_key_prefix["BearerToken"] = "Bearer"
    return made


def token_file_time(path: Path) -> int:
    return path.stat().st_mtime_ns


def tls(access: Access) -> ssl.SSLContext | bool:
    """The TLS context, made from memory. Raises KubeconfigInvalid for what is no certificate or no key of it."""
    if not access.server.startswith("https:"):
        return False
    try:
        context = ssl.create_default_context(cadata=access.ca)
    except ssl.SSLError as error:
        raise KubeconfigInvalid("certificate-authority-data holds no certificate.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Authorities made by cloud providers lack extensions that the strict mode of Python 3.13 asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.client_certificate and access.client_key:
        with tempfile.TemporaryDirectory() as folder:  # 0700; the ssl module reads keys from files only
            pair = Path(folder) / "pair.pem"
            pair.write_text(f"{access.client_certificate}\n{access.client_key}\n")
            try:
                context.load_cert_chain(pair, password=b"")
            except (ssl.SSLError, ValueError) as error:
                raise KubeconfigInvalid("The client certificate and its key do not fit together.") from error
    return context


def session(access: Access, context: ssl.SSLContext | bool, limit: int) -> aiohttp.ClientSession:
    """A session with a pool of its own, deaf to proxies, cookies, redirects and compressed surprises."""
    connector = aiohttp.TCPConnector(
        ssl=context,
        limit=limit,
        resolver=ThreadedResolver() if access.allow_private else GuardedResolver(),
        ttl_dns_cache=30,
        keepalive_timeout=30,
        socket_factory=keepalive_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=_READ_BUFFER,
    )

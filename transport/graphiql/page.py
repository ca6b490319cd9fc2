"""The GraphiQL page, and its files where they come from a folder."""

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

HERE = Path(__file__).parent
CDN = "https://cdn.jsdelivr.net"
OWN = {"page.js": "text/javascript", "page.css": "text/css"}
TYPES = {".js": "text/javascript", ".css": "text/css"}

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "no-cache",
}


class Asset(NamedTuple):
    """A file of a public package, by its hash the same wherever it comes from."""

    package: str
    version: str
    path: str
    integrity: str

    @property
    def file(self) -> str:
        """Its name in an assets folder."""
        return self.path.rpartition("/")[2]

    @property
    def public_url(self) -> str:
        return f"{CDN}/npm/{self.package}@{self.version}/{self.path}"


@cache
def assets() -> tuple[Asset, ...]:
    """The files that the page loads, in their order."""
    return tuple(Asset(**each) for each in json.loads((HERE / "assets.json").read_text()))


class GraphiQL:
    """Answers browsers: `page` for `/graphql`, `routes` for the files below `/graphiql/`."""

    def __init__(self, folder: Path | None = None, operations: Any = None) -> None:
        """`folder` holds the assets of a machine without internet; without it they come from the public CDN.

        `operations` replaces what `operations.json` says: tabs with `query` and `variables`, and the placeholders that
        variables may hold.

        Raises FileNotFoundError when the folder lacks a file.
        """
        self._folder = folder
        if folder:
            missing = [asset.file for asset in assets() if not (folder / asset.file).is_file()]
            if missing:
                raise FileNotFoundError(f"The GraphiQL folder {folder} lacks {', '.join(missing)}: build it again.")
        said = operations if operations is not None else json.loads((HERE / "operations.json").read_text())
        self._html = _html([self._tag(asset) for asset in assets()], json.dumps(said))
        self._headers = {**HEADERS, "content-security-policy": _policy("'self'" if folder else f"'self' {CDN}")}

    def page(self, _request: Request) -> Response:
        """The page itself. It holds no token, so it needs none."""
        return HTMLResponse(self._html, headers=self._headers)

    def routes(self) -> list[Route]:
        """The page's own script and style, and the assets where they come from the folder."""
        return [Route("/graphiql/{file}", self._file)]

    def _file(self, request: Request) -> Response:
        file = request.path_params["file"]
        if file in OWN:
            return FileResponse(HERE / file, media_type=OWN[file], headers=HEADERS)
        if self._folder and file in {asset.file for asset in assets()}:
            return FileResponse(self._folder / file, media_type=TYPES[Path(file).suffix], headers=HEADERS)
        return Response(status_code=404)

    def _tag(self, asset: Asset) -> str:
        address = escape(f"/graphiql/{asset.file}" if self._folder else asset.public_url)
        checked = f'integrity="{asset.integrity}" crossorigin="anonymous"'
        if asset.file.endswith(".css"):
            return f'<link rel="stylesheet" href="{address}" {checked}>'
        return f'<script src="{address}" {checked}></script>'


def _html(tags: Sequence[str], operations: str) -> str:
    page = (HERE / "page.html").read_text()
    parts = {
        "styles": "\n".join(tag for tag in tags if tag.startswith("<link")),
        "scripts": "\n".join(tag for tag in tags if tag.startswith("<script")),
        # Inside a script element only `</` could end it.
        "operations": operations.replace("<", "\\u003c"),
    }
    for name, part in parts.items():
        page = page.replace("{" + name + "}", part)
    return page


def _policy(origins: str) -> str:
    # GraphiQL's editor writes styles into the page; scripts come from files alone.
    return (
        f"default-src 'none'; script-src {origins}; style-src {origins} 'unsafe-inline'; font-src {origins} data:; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

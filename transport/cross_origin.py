"""Which other origins' pages may ask the API from a browser."""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from transport.requests import HEADER

DAY = 86_400


def cross_origin(origins: str) -> list[Middleware]:
    """The middleware for origins parted by commas; none where there are none.

    Credentials of the browser are never allowed: who asks is said by a bearer token, which a page must have itself.
    """
    allowed = [origin.strip().rstrip("/") for origin in origins.split(",") if origin.strip()]
    if not allowed:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=allowed,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", HEADER],
            expose_headers=[HEADER],
            max_age=DAY,
        )
    ]

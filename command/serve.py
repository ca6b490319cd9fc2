"""The processes of an installation: migrate, api, worker."""

import asyncio

from command.ending import give_up
from settings import settings


def migrate() -> None:
    """Apply the migrations that the database lacks, and say which."""
    from command.reaching import database_told
    from models.migrate import MigrationError
    from models.migrate import migrate as run

    if not settings().database_url:
        give_up("Set DATABASE_URL to the address of a PostgreSQL database.")
    try:
        with database_told():
            applied = asyncio.run(run(settings().database_url))
    except MigrationError as error:
        give_up(error)
    for migration in applied:
        print(f"applied {migration}")
    print(f"The database is up to date ({len(applied)} applied).")


def api() -> None:
    """Serve the ASGI app until SIGTERM or SIGINT; streams are sent elsewhere, and requests have a moment to end."""
    import uvicorn

    from transport.shutdown import GRACE

    _require_settings()
    uvicorn.run(
        "app:app",
        host=settings().host,
        port=settings().port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=256 * 1024,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        # Compression would double the memory of an idle subscription, and what it carries is small.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=round(GRACE),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
    )


def worker() -> None:
    """Run tasks until SIGTERM or SIGINT; what is under way is taken over by another worker or the next start."""
    from jobs.worker import run
    from models.keyring import KeyringError

    _require_settings()
    try:
        run()
    except KeyringError as error:
        give_up(error)
    except OSError as error:
        give_up(f"The database does not answer: {error}")


def _require_settings() -> None:
    """End with a sentence where a process could not even begin."""
    from models.keyring import Keyring, KeyringError

    if not settings().database_url:
        give_up("Set DATABASE_URL to the address of a PostgreSQL database.")
    if not settings().redis_url:
        give_up("Set REDIS_URL to the address of a Valkey or Redis server.")
    file = settings().keyring
    if file is None:
        give_up("Set BERTH_KEYRING to the file of encryption keys; `berth admin keyring create FILE` makes one.")
    try:
        Keyring.load(file)
    except KeyringError as error:
        give_up(error)

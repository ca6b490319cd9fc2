"""What every part of a running process shares: the keyring, the clients of clusters, and the installation's id."""

import gc
from dataclasses import dataclass

from tortoise.connection import get_connection

from live.clusters import Clusters
from models.ids import new_id
from models.keyring import Keyring, key_of


@dataclass(frozen=True, slots=True)
class Process:
    """Opened once, after the database. `installation` marks what this Berth made in clusters."""

    installation: str
    keyring: Keyring
    clusters: Clusters


_current: Process | None = None


async def open(keyring: Keyring) -> Process:
    """Makes the shared parts. Raises: KeyringError when the database holds secrets that the keyring cannot open."""
    global _current
    assert _current is None, "the process is open already"
    await _require_keys(keyring)
    _current = Process(await _installation(), keyring, Clusters(keyring))
    return _current


async def close() -> None:
    """Closes what is open; does nothing when nothing is."""
    global _current
    if _current is not None:
        closing, _current = _current, None
        await closing.clusters.close()


def current() -> Process:
    """The shared parts of this process."""
    assert _current is not None, "the process was not opened"
    return _current


def settle_memory() -> None:
    """Has the collector of garbage look at what is new only, once a process that serves has made what it keeps."""
    # What the imports made lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    # A connection that ends leaves some 200 objects in circles: all are looked at whenever that many have gathered.
    gc.set_threshold(10_000, 5, 4)


async def _installation() -> str:
    connection = get_connection("default")
    await connection.execute_query(
        "INSERT INTO installation (id) VALUES ($1) ON CONFLICT DO NOTHING", [new_id("berth")]
    )
    return str((await connection.execute_query_dict("SELECT id FROM installation"))[0]["id"])


async def _require_keys(keyring: Keyring) -> None:
    rows = await get_connection("default").execute_query_dict(
        "SELECT kubeconfig AS sealed FROM cluster WHERE kubeconfig IS NOT NULL AND removed_at IS NULL "
        "UNION ALL SELECT sealed FROM variable WHERE sealed IS NOT NULL UNION ALL SELECT sealed FROM app_service_token "
        "UNION ALL SELECT DISTINCT substring(sealed from '^[^:]*:[^:]*:') FROM applied WHERE sealed IS NOT NULL"
    )
    keyring.require({key_of(row["sealed"]) for row in rows})

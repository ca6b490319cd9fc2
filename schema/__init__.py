"""The contract: every public type, and for each field that takes work, who answers it.

It decides nothing and reads nothing itself; what is not described here does not exist for a client.
"""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema import enums  # noqa: F401 - it describes the closed lists
from schema.execution import Execution
from schema.mutation import Mutation
from schema.problems import TYPES
from schema.query import Query

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=list(dict.fromkeys(TYPES.values())),
    config=StrawberryConfig(sort_schema=True),
    execution_context_class=Execution,
)
"""The one schema of a process."""

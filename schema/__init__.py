"""The contract: every public type, and for each field that takes work, who answers it.

It decides nothing and reads nothing itself; what is not described here does not exist for a client.
"""

import strawberry

from schema import enums  # noqa: F401 - it describes the closed lists
from schema.execution import Execution
from schema.mutation import Mutation
from schema.problems import TYPES
from schema.query import Query
from schema.subscription import Subscription

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=list(dict.fromkeys(TYPES.values())),
    execution_context_class=Execution,
)
"""The one schema of a process."""

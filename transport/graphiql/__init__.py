"""GraphiQL: one page, its script, and the list of the public files that it is made of, each with its hash.

It never asks anything itself: the page uses the same endpoint as every client, with the token of whoever opened it.
"""

from transport.graphiql.page import GraphiQL

__all__ = ["GraphiQL"]

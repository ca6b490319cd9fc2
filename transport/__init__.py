"""How bytes come and go: GraphQL over HTTP, server-sent events and websockets, GraphiQL, health and metrics.

It never decides what is allowed and never touches a table: who is asking and what is answered are given to it.
"""

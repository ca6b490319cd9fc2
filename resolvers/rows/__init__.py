"""What the contract shows, as plain rows: one noun a file, each with what loads its fields for a whole list at once.

Rows are made of one statement's columns and never change the database; importing this folder registers every noun.
"""

from resolvers.rows import (
    app,
    app_service,
    cluster,
    deployment,
    environment,
    instance,
    organization,
    service,
    stack,
    task,
    user,
)

__all__ = [
    "app",
    "app_service",
    "cluster",
    "deployment",
    "environment",
    "instance",
    "organization",
    "service",
    "stack",
    "task",
    "user",
]

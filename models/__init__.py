"""The tables: one noun per file, with small verbs on the row.

It holds what is stored and how it is locked; it never decides what is allowed and never speaks to Kubernetes.
"""

from models.app import App
from models.app_service import AppService, AppServiceToken, Variable
from models.applied import Applied
from models.cluster import AbandonedNamespace, Cluster
from models.deployment import Deployment
from models.environment import Environment
from models.instance import Instance
from models.organization import Organization, Project
from models.service import Service, ServiceRevision
from models.stack import Stack, StackRevision, StackService
from models.task import Job, Step, Task
from models.token import Token
from models.user import Membership, User

__all__ = [
    "AbandonedNamespace",
    "App",
    "AppService",
    "AppServiceToken",
    "Applied",
    "Cluster",
    "Deployment",
    "Environment",
    "Instance",
    "Job",
    "Membership",
    "Organization",
    "Project",
    "Service",
    "ServiceRevision",
    "Stack",
    "StackRevision",
    "StackService",
    "Step",
    "Task",
    "Token",
    "User",
    "Variable",
]

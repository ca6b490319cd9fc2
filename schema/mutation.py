"""Every mutation, one entry each: its payload, who carries it out, and what it takes."""

import strawberry

from resolvers import app_services, apps, instances, tasks
from schema.changes.app import AppPayload, CreateAppInput, DeleteAppInput, RenameAppInput
from schema.changes.app_service import (
    AppServicePayload,
    SetEnabledInput,
    SetReplicasInput,
    SetVariablesInput,
    SetVersionInput,
)
from schema.changes.instance import (
    CreateInstanceInput,
    DeleteInstanceInput,
    DeployInstanceInput,
    InstancePayload,
    RenameInstanceInput,
    UpgradeInstanceInput,
)
from schema.changes.task import CancelTaskInput, RepeatTaskInput, TaskPayload
from schema.payloads import changed_by


@strawberry.type(description="What can be changed. A refusal is not an error: it stands in the payload's `problems`.")
class Mutation:
    create_app: AppPayload = changed_by(
        apps.create, CreateAppInput, description="Create an app, and start the creation of its first instance."
    )
    rename_app: AppPayload = changed_by(apps.rename, RenameAppInput, description="Change an app's title.")
    delete_app: AppPayload = changed_by(
        apps.delete, DeleteAppInput, description="Delete an app with all of its instances."
    )
    create_instance: InstancePayload = changed_by(
        instances.create, CreateInstanceInput, description="Start the creation of an instance."
    )
    rename_instance: InstancePayload = changed_by(
        instances.rename, RenameInstanceInput, description="Change an instance's title."
    )
    deploy_instance: InstancePayload = changed_by(
        instances.roll_out, DeployInstanceInput, description="Start a deployment of what the instance is set up to run."
    )
    upgrade_instance: InstancePayload = changed_by(
        instances.upgrade,
        UpgradeInstanceInput,
        description="Move an instance to its stack's latest published revision.",
    )
    delete_instance: InstancePayload = changed_by(
        instances.delete,
        DeleteInstanceInput,
        description="Start an instance's deletion, or answer with the running one.",
    )
    set_app_service_variables: AppServicePayload = changed_by(
        app_services.set_variables, SetVariablesInput, description="Set and remove variables of an app service."
    )
    set_app_service_replicas: AppServicePayload = changed_by(
        app_services.set_replicas, SetReplicasInput, description="Set how many pods of an app service run."
    )
    set_app_service_version: AppServicePayload = changed_by(
        app_services.set_version, SetVersionInput, description="Choose which version of an app service runs."
    )
    set_app_service_enabled: AppServicePayload = changed_by(
        app_services.set_enabled, SetEnabledInput, description="Switch an app service on or off."
    )
    cancel_task: TaskPayload = changed_by(
        tasks.cancel, CancelTaskInput, description="Ask for a task's end; asking again changes nothing."
    )
    repeat_task: TaskPayload = changed_by(
        tasks.repeat, RepeatTaskInput, description="Do a task again, judged as the operation that it repeats."
    )

"""Every mutation, one entry each: its payload, who carries it out, and what it takes."""

import strawberry

from resolvers import (
    app_services,
    apps,
    catalogues,
    clusters,
    environments,
    instances,
    members,
    organizations,
    services,
    stacks,
    tasks,
    tokens,
)
from schema.changes.app import AppPayload, CreateAppInput, DeleteAppInput, RenameAppInput
from schema.changes.app_service import (
    AppServicePayload,
    SetAppServiceEnabledInput,
    SetAppServiceReplicasInput,
    SetAppServiceVariablesInput,
    SetAppServiceVersionInput,
)
from schema.changes.catalogue import (
    CataloguePayload,
    DiscardStackDraftInput,
    ImportCatalogueInput,
    ImportServiceInput,
    ImportStackInput,
    PublishStackInput,
    PublishStackPayload,
    ServicePayload,
    StackPayload,
)
from schema.changes.cluster import (
    ClusterPayload,
    RegisterClusterInput,
    RemoveClusterInput,
    TestClusterInput,
    UpdateClusterInput,
)
from schema.changes.environment import (
    CreateEnvironmentInput,
    DeleteEnvironmentInput,
    EnvironmentPayload,
    UpdateEnvironmentInput,
)
from schema.changes.instance import (
    CreateInstanceInput,
    DeleteInstanceInput,
    DeployInstanceInput,
    InstancePayload,
    RenameInstanceInput,
    UpgradeInstanceInput,
)
from schema.changes.organization import (
    AddMemberInput,
    ChangeMemberRoleInput,
    CreateOrganizationInput,
    MemberPayload,
    OrganizationPayload,
    RemoveMemberInput,
    RenameOrganizationInput,
)
from schema.changes.task import CancelTaskInput, RepeatTaskInput, TaskPayload
from schema.changes.token import (
    CreateTokenInput,
    CreateTokenPayload,
    RenewTokenInput,
    RenewTokenPayload,
    RevokeTokenInput,
    RevokeTokenPayload,
)
from schema.payloads import DeletionPayload, changed_by


@strawberry.type(description="What can be changed. A refusal is not an error: it stands in the payload's `problems`.")
class Mutation:
    create_organization: OrganizationPayload = changed_by(
        organizations.create, CreateOrganizationInput, description="Create an organization, which you own."
    )
    rename_organization: OrganizationPayload = changed_by(
        organizations.rename, RenameOrganizationInput, description="Change an organization's title."
    )
    add_member: MemberPayload = changed_by(
        members.add, AddMemberInput, description="Make a user a member of an organization."
    )
    change_member_role: MemberPayload = changed_by(
        members.change_role, ChangeMemberRoleInput, description="Change what a member may do."
    )
    remove_member: DeletionPayload = changed_by(
        members.remove, RemoveMemberInput, description="End a membership; the member's tokens for it end too."
    )
    create_token: CreateTokenPayload = changed_by(
        tokens.create, CreateTokenInput, description="Make a token. Its secret is shown once, here."
    )
    revoke_token: RevokeTokenPayload = changed_by(
        tokens.revoke, RevokeTokenInput, description="End a token at once; doing it again changes nothing."
    )
    renew_token: RenewTokenPayload = changed_by(
        tokens.renew,
        RenewTokenInput,
        description="Go on with another token on this websocket: its streams stay open, with the new one's rights.",
    )
    create_environment: EnvironmentPayload = changed_by(
        environments.create, CreateEnvironmentInput, description="Create an environment."
    )
    update_environment: EnvironmentPayload = changed_by(
        environments.update, UpdateEnvironmentInput, description="Change an environment's title or type."
    )
    delete_environment: DeletionPayload = changed_by(
        environments.delete, DeleteEnvironmentInput, description="Delete an environment that no instance uses."
    )
    register_cluster: ClusterPayload = changed_by(
        clusters.register, RegisterClusterInput, description="Register a cluster that answers and lets Berth work."
    )
    update_cluster: ClusterPayload = changed_by(
        clusters.update, UpdateClusterInput, description="Change a cluster's title, or how the same cluster is reached."
    )
    test_cluster: ClusterPayload = changed_by(
        clusters.test, TestClusterInput, description="Look at a cluster now and keep what was found."
    )
    remove_cluster: DeletionPayload = changed_by(
        clusters.remove, RemoveClusterInput, description="Forget a cluster on which no instance lives."
    )
    import_service: ServicePayload = changed_by(
        services.import_, ImportServiceInput, description="Import a service; a changed manifest is a new revision."
    )
    import_stack: StackPayload = changed_by(
        stacks.import_, ImportStackInput, description="Import a stack as its draft."
    )
    import_catalogue: CataloguePayload = changed_by(
        catalogues.import_,
        ImportCatalogueInput,
        description="Import services and stacks together: all of them or none.",
    )
    publish_stack: PublishStackPayload = changed_by(
        stacks.publish, PublishStackInput, description="Make a stack's draft its next revision."
    )
    discard_stack_draft: StackPayload = changed_by(
        stacks.discard, DiscardStackDraftInput, description="Drop a stack's draft."
    )
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
        app_services.set_variables,
        SetAppServiceVariablesInput,
        description="Set and remove variables of an app service.",
    )
    set_app_service_replicas: AppServicePayload = changed_by(
        app_services.set_replicas, SetAppServiceReplicasInput, description="Set how many pods of an app service run."
    )
    set_app_service_version: AppServicePayload = changed_by(
        app_services.set_version, SetAppServiceVersionInput, description="Choose which version of an app service runs."
    )
    set_app_service_enabled: AppServicePayload = changed_by(
        app_services.set_enabled, SetAppServiceEnabledInput, description="Switch an app service on or off."
    )
    cancel_task: TaskPayload = changed_by(
        tasks.cancel, CancelTaskInput, description="Ask for a task's end; asking again changes nothing."
    )
    repeat_task: TaskPayload = changed_by(
        tasks.repeat, RepeatTaskInput, description="Do a task again, judged as the operation that it repeats."
    )

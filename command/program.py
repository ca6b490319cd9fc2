"""Every command with its arguments, in one place; what it does is imported when it runs, so that help is quick."""

from pathlib import Path
from typing import Annotated, Literal

import typer

program = typer.Typer(
    name="berth",
    help="Run instances of apps on Kubernetes clusters and watch them live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
admin = typer.Typer(help="What only the operator may do, on the machine of the installation.", no_args_is_help=True)
keyring = typer.Typer(help="The file of encryption keys.", no_args_is_help=True)
catalogue = typer.Typer(help="Manifests of services and stacks.", no_args_is_help=True)
cluster = typer.Typer(help="Kubernetes clusters.", no_args_is_help=True)
program.add_typer(admin, name="admin")
admin.add_typer(keyring, name="keyring")
program.add_typer(catalogue, name="catalogue")
program.add_typer(cluster, name="cluster")

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="A file, a folder, or an index.yml.")]
Level = Literal["trace", "debug", "info", "warning", "error", "fatal"]
Organization = Annotated[str, typer.Option(help="The organization's name; needed when the token sees several.")]


@program.command()
def migrate() -> None:
    """Bring the database at DATABASE_URL up to date; several may run at once."""
    from command.serve import migrate

    migrate()


@program.command()
def api() -> None:
    """Serve GraphQL, subscriptions and GraphiQL."""
    from command.serve import api

    api()


@program.command()
def worker() -> None:
    """Do the work that outlives requests: tasks, sweeps and watches."""
    from command.serve import worker

    worker()


@program.command()
def demo(
    parent: Annotated[int, typer.Option(help="End when this process, which must be the caller, ends.")] = 0,
) -> None:
    """Start all of Berth on this machine, with servers and a simulated cluster of its own."""
    from command.demo import demo

    demo(parent)


@admin.command("create-owner")
def create_owner(
    email: Annotated[str, typer.Argument(help="Of the first user.")],
    organization: Annotated[str, typer.Argument(help="Name of the organization: lower case, digits, hyphens.")],
    name: Annotated[str, typer.Option(help="Of the user; the address up to its @ when left out.")] = "",
) -> None:
    """Make an organization, a user who owns it, and a token, which is printed once."""
    from command.admin import create_owner

    create_owner(email, organization, name)


@admin.command()
def setup(
    url: Annotated[str, typer.Option(help="The API, as this machine reaches it.")],
    kubeconfig: Annotated[Path, typer.Option(help="Of the cluster to register.")],
    token_file: Annotated[Path, typer.Option(help="Where the token is kept; a token there that works is used.")],
    server: Annotated[str, typer.Option(help="The cluster's address, in the place of the kubeconfig's.")] = "",
    shown_url: Annotated[str, typer.Option(help="The API, as people reach it.")] = "",
) -> None:
    """Make what a new installation begins with: an owner, the catalogue, an environment, a cluster."""
    from command.setup import Setup, setup

    setup(Setup(url, kubeconfig, token_file, server), shown_url)


@keyring.command("create")
def create_keyring(path: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")]) -> None:
    """Make a keyring with one new key, readable by its owner alone. Back it up: without it secrets are lost."""
    from command.admin import create_keyring

    create_keyring(path)


@keyring.command("rotate")
def rotate_keyring(path: Annotated[Path, typer.Argument(help="The keyring; its older keys stay in it.")]) -> None:
    """Seal every secret at DATABASE_URL with a new key. Stop the API and the workers before, start them after."""
    from command.admin import rotate_keyring

    rotate_keyring(path)


@catalogue.command("check")
def check_catalogue(
    paths: Paths, json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False
) -> None:
    """Read manifests and print one finding a line. Ends with 0: none, 1: some, 2: could not read."""
    from catalogue.check import main

    raise typer.Exit(main([str(path) for path in paths], json))


@catalogue.command("import")
def import_catalogue(paths: Paths, organization: Organization = "") -> None:
    """Import manifests into an organization (BERTH_URL, BERTH_TOKEN)."""
    from command.catalogue import import_paths
    from command.remote import remote

    import_paths(remote(), paths, organization)


@cluster.command("register")
def register_cluster(
    name: str,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The file; files that it names are embedded. Default: as kubectl chooses it.")
    ] = None,
    organization: Organization = "",
) -> None:
    """Register a cluster by its kubeconfig (BERTH_URL, BERTH_TOKEN)."""
    from command.cluster import current_kubeconfig, register
    from command.remote import remote

    register(remote(), name, kubeconfig or current_kubeconfig() or Path.home() / ".kube" / "config", organization)


@cluster.command("credentials")
def cluster_credentials(
    namespace: Annotated[str, typer.Option(help="Where the service account is to live.")] = "berth-system",
    name: Annotated[str, typer.Option(help="Of the service account and its role.")] = "berth",
    context: Annotated[str, typer.Option(help="Of your kubeconfig; its current one when left out.")] = "",
    manifest: Annotated[bool, typer.Option("--manifest", help="Only print what would be applied.")] = False,
) -> None:
    """Make a service account with exactly the role that Berth needs, with kubectl, and print its kubeconfig."""
    from command import credentials

    typer.echo(
        credentials.manifest(namespace, name) if manifest else credentials.make(namespace, name, context), nl=False
    )


@cluster.command("role")
def cluster_role(
    account: Annotated[
        str, typer.Option(help="Also print what gives it the role: system:serviceaccount:NAMESPACE:NAME, or a user.")
    ] = "",
    name: Annotated[str, typer.Option(help="Of the role.")] = "berth",
) -> None:
    """Print the role that Berth needs in a cluster, to be read and applied."""
    from kube.role import manifest

    typer.echo(manifest(account, name), nl=False)


@program.command()
def task(
    task_id: Annotated[str, typer.Argument(metavar="ID")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Tell every change until it has ended.")] = False,
) -> None:
    """Show a task: its state, its steps, and their last lines (BERTH_URL, BERTH_TOKEN).

    With --follow it ends with 0 when the task ended well, and with 1 when it did not.
    """
    from command import task
    from command.ending import quietly
    from command.remote import remote

    with quietly():
        (task.follow if follow else task.show)(remote(), task_id)


@program.command()
def logs(
    instance: Annotated[str, typer.Argument(metavar="APP/INSTANCE", help="By names, or the instance's id.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with every line as it comes.")] = False,
    service: Annotated[list[str] | None, typer.Option(help="Of this app service only; may be repeated.")] = None,
    container: Annotated[list[str] | None, typer.Option(help="Of this container only; may be repeated.")] = None,
    pod: Annotated[list[str] | None, typer.Option(help="Of this pod only; may be repeated.")] = None,
    since: Annotated[str, typer.Option(help="How long ago (30s, 10m, 2h, 1d) or a time in RFC 3339.")] = "",
    tail: Annotated[int, typer.Option(min=0, help="How many past lines, without --since.")] = 200,
    grep: Annotated[str, typer.Option(help="Lines that hold this text; upper and lower case are alike.")] = "",
    level: Annotated[Level | None, typer.Option(help="The least that lines say of themselves.")] = None,
    previous: Annotated[bool, typer.Option(help="The run before the present one of each container.")] = False,
    timestamps: Annotated[bool, typer.Option(help="When the node took each line in.")] = False,
    prefix: Annotated[bool, typer.Option(help="Which pod and container each line is of.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
    organization: Organization = "",
) -> None:
    """Show what an instance's containers wrote, and with -f what they write (BERTH_URL, BERTH_TOKEN).

    Lines go to standard output. What is missing, and what happens to containers, is told on standard error.
    A stream that is cut goes on where it was, with every line once.
    """
    from command.ending import quietly
    from command.logs import Wanted, show
    from command.remote import remote

    wanted = Wanted(
        instance, organization, follow, since, tail, service or [], container or [], pod or [], grep, level or "",
        previous, timestamps, prefix, as_json,
    )  # fmt: skip
    with quietly():
        show(remote(), wanted)

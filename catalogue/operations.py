"""What is done with a service: builds, actions, cron schedules, backups, imports and databases."""

from typing import Literal

from pydantic import Field

from catalogue.items import FilePath, Item, ItemName, Name, Strings, Text, Variable


class Boilerplate(Item):
    """A repository to begin with."""

    name: ItemName
    title: Text
    repo: str = Field(pattern=r"^https://github\.com/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    branch: str | None = None
    tag: str | None = None
    default: bool = False
    pipeline: str | None = None
    option_version_constraint: str | None = None


class BuildItem(Item):
    """How images of the service are built; `templates` is the older word for `boilerplates`."""

    dockerfile: str | None = None
    dockerfile_content: str | None = None
    dockerignore: str | None = None
    dockerignore_content: str | None = None
    copy_subdir: str | None = None
    connect: bool = False
    link: ItemName | None = None
    boilerplates: tuple[Boilerplate, ...] = ()
    templates: tuple[Boilerplate, ...] = ()


class ActionItem(Item):
    """A command that a user or a deployment runs."""

    name: ItemName
    title: Text
    args: Strings
    command: str | Strings | None = None
    type: Literal["button", "output", "post_upgrade", "post_deploy", "post_deploy_once", ""]
    workload: Name | None = None
    boilerplate: ItemName | None = None
    privileged: bool = False
    depends: Strings = ()


class CronItem(Item):
    """A command that runs by schedule."""

    name: ItemName
    title: Text
    command: Text
    schedule: str = Field(pattern=r"^\s*(\S+\s+){4}\S+\s*$")
    workload: Name | None = None


class Arguments(Item):
    """The words of a command."""

    args: Strings


class Upload(Item):
    """What a backup uploads: one file, or a folder."""

    filepath: str | None = None
    extension: str | None = None
    dir: str | None = None
    gzip: bool | None = None


class BackupItem(Item):
    """How a backup is made."""

    name: ItemName
    title: Text
    upload: Upload
    create: Arguments | None = None
    workload: Name | None = None


class ImportInit(Item):
    """An import that runs as the service starts on an empty volume."""

    mount: FilePath
    env: tuple[Variable, ...] = ()


class ImportItem(Item):
    """How data is imported into a volume."""

    name: ItemName
    title: Text
    volume: Name
    extensions: Strings = Field(min_length=1)
    destination: str | None = None
    init: ImportInit | None = None
    args: Strings | None = None
    command: str | Strings | None = None
    workload: Name | None = None


class DatabaseRoot(Item):
    """The account that administers the database."""

    username: Text
    password: str


class SchemaActions(Item):
    """Commands that create and drop."""

    create: Arguments | None = None
    drop: Arguments | None = None


class UserActions(SchemaActions):
    """Commands that create, drop, grant and revoke."""

    grant: Arguments | None = None
    revoke: Arguments | None = None


class DatabaseSchema(Item):
    """The database of the app."""

    name: Text
    charset: str | None = None
    collation: str | None = None
    actions: SchemaActions = SchemaActions()


class DatabaseUser(Item):
    """The account of the app."""

    name: Text
    password: str
    actions: UserActions = UserActions()


class Charset(Item):
    """A character set that databases may have."""

    name: Text
    title: Text
    collation: str | None = None
    default: bool = False


class DatabaseItem(Item):
    """The database that a service of type `db` serves, and the commands that look after it."""

    type: Text
    kind: Literal["mysql", "mariadb", "postgres", "sqlserver", "oracle"]
    port: int | None = Field(None, ge=1, le=65535)
    ssl: bool = False
    root: DatabaseRoot | None = None
    db: DatabaseSchema
    user: DatabaseUser
    charsets: tuple[Charset, ...] = ()

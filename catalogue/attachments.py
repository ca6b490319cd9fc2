"""What a service is given: its links, volumes, settings, integrations, keys, certificates and files."""

from typing import Literal

from pydantic import Field

from catalogue.items import (
    ClassName,
    FileName,
    FilePath,
    HelmValue,
    HelmValues,
    Item,
    ItemName,
    Json,
    Name,
    ServiceType,
    Size,
    Strings,
    Text,
    Variable,
    VariableName,
)


class LinkSelector(Item):
    """What a link's target must be: of this type, in this version, with all of these labels."""

    type: ServiceType | None = None
    option: str | None = None
    labels: Strings = ()


class LinkItem(Item):
    """What the service reads from another, and which others will do."""

    name: ItemName
    title: Text
    required: bool = False
    selectors: tuple[LinkSelector, ...] = Field(min_length=1)
    env: tuple[Variable, ...] = ()
    helm: tuple[HelmValue, ...] = ()


class Ownership(Item):
    """Who owns what an import writes, as numbers."""

    owner: int | None = Field(None, ge=0)
    group: int | None = Field(None, ge=0)


class VolumeHelm(HelmValues):
    """Where a volume goes in the chart."""

    labels: str | None = None


class VolumeItem(Item):
    """A volume; `link` names the storage that serves it, `from` the link whose volume of this name is mounted."""

    name: Name
    title: Text
    shared: bool = False
    read_only: bool = False
    link: ItemName | None = None
    optional: bool = False
    path: FilePath | None = None
    from_: ItemName | None = Field(None, alias="from")
    size: Size | None = None
    storage_class_name: ClassName | None = None
    import_: Ownership | None = Field(None, alias="import")
    helm: VolumeHelm | None = None


class SettingItem(Item):
    """A value that the user chooses, given to containers under `var`; with `from`, a link's target chooses it."""

    name: ItemName
    title: Text
    description: str | None = None
    placeholder: str | None = None
    default: str | None = None
    from_: ItemName | None = Field(None, alias="from")
    required: bool = False
    secret: bool = False
    var: VariableName
    runtime: bool = True
    build: bool = False


class ProviderItem(Item):
    """Variables for one provider of an integration."""

    name: ItemName
    env: tuple[Variable, ...] = ()


class IntegrationItem(Item):
    """Credentials of a third party that the service can use."""

    name: ItemName
    title: Text
    type: Text
    required: bool = False
    multiple: bool = False
    labels: Strings = ()
    variables: Json = ()
    providers: tuple[ProviderItem, ...] = ()


class KeyItem(Item):
    """A pair of keys that is made for the service."""

    name: ItemName
    type: Literal["rsa"] = "rsa"
    length: Literal[2048, 3072, 4096] = 2048
    helm: Json = None


class CertKey(Item):
    """The key of a certificate."""

    type: Literal["rsa"] = "rsa"
    length: Literal[2048, 3072, 4096] = 2048


class CertHelm(Item):
    """Where a certificate goes in the chart."""

    cert: str | None = None
    key: str | None = None
    ca: str | None = None


class CertItem(Item):
    """A self-signed certificate that is made for the service."""

    name: ItemName
    days: int = Field(ge=365, le=36500)
    key: CertKey = CertKey()
    dns: Strings = ()
    helm: CertHelm | None = None


class ConfigDefault(Item):
    """A file that the image itself brings."""

    source: Literal["image"]
    filepath: FilePath
    workload: Name | None = None
    container: Name | None = None


class ConfigItem(Item):
    """A file of the service: `config` names a file beside the manifest, `configContent` is the content itself."""

    name: Name
    title: str | None = None
    config: Text | None = None
    config_content: str | None = None
    default: ConfigDefault | None = None
    helm: str | None = None
    filepath: FilePath | None = None
    filename: FileName | None = None
    process_tokens: bool = False
    version: str | None = None

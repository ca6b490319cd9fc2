"""`from`: what a child says laid over its parent, item by item."""

from catalogue.findings import Code, Finding
from catalogue.read import read_service
from catalogue.services import ServiceManifest
from tests.catalogue.made import among, places, service, valid

PARENT = """
name: php
title: PHP
type: service
icon: php
scalable: true
update: auto
labels: [php, fpm]
options:
- {version: '8.5', tag: 8.5-1, default: true, eol: '2029-12-31'}
- {version: '8.4', tag: 8.4-1}
- {version: '8.1', tag: 8.1-1}
env:
- {name: MODE, value: 'on'}
- {name: MODE, value: 'off', envType: prod}
- {name: SIZE, value: big}
links:
- name: db
  title: Database
  env:
  - {name: DB_HOST, value: '{{link.host}}'}
  - {name: DB_PORT, value: '{{link.port}}'}
  selectors:
  - {type: db, labels: [mysql]}
  - {type: db, labels: [postgres]}
workloads:
- name: main
  kind: deployment
  primary: true
  containers:
  - name: php
    image: example/php
    env:
    - {name: CLEAR, value: 'no'}
derivatives:
- {name: php-sshd, title: SSH, type: ssh, args: [sshd]}
"""


def child(more: str = "", title: str = "PHP for Drupal") -> ServiceManifest:
    return valid(f"name: drupal-php\ntype: service\nfrom: php\ntitle: {title}\n{more}", php=valid(PARENT))


def test_what_the_child_does_not_say_is_the_parents() -> None:
    manifest = child()
    assert (manifest.name, manifest.title, manifest.icon, manifest.scalable) == (
        "drupal-php", "PHP for Drupal", "php", True,
    )  # fmt: skip
    assert manifest.workloads == valid(PARENT).workloads


def test_how_the_parent_is_updated_is_not_inherited() -> None:
    assert (child().from_, child().update) == ("php", None)


def test_scalars_override() -> None:
    manifest = child("icon: drupal\nscalable: false")
    assert (manifest.icon, manifest.scalable) == ("drupal", False)


def test_labels_are_joined() -> None:
    assert child("labels: [drupal, php]").labels == ("php", "fpm", "drupal")


def test_a_named_item_overrides_fields_of_the_parents_item_and_others_are_added() -> None:
    links = child(
        "links:\n- {name: db, required: true}\n- {name: mail, title: Mail, selectors: [{type: service}]}"
    ).links
    assert [(link.name, link.title, link.required) for link in links] == [
        ("db", "Database", True),
        ("mail", "Mail", False),
    ]
    assert [variable.name for variable in links[0].env] == ["DB_HOST", "DB_PORT"]


def test_lists_without_names_are_replaced() -> None:
    (link,) = child("links:\n- {name: db, selectors: [{type: db}]}").links
    assert [(selector.type, selector.labels) for selector in link.selectors] == [("db", ())]


def test_variables_are_told_apart_by_the_type_of_environment() -> None:
    env = child("env:\n- {name: MODE, value: 'quiet', envType: prod}\n- {name: MODE, value: 'loud', envType: dev}").env
    assert [(item.name, item.env_type, item.value) for item in env] == [
        ("MODE", None, "on"),
        ("MODE", "prod", "quiet"),
        ("SIZE", None, "big"),
        ("MODE", "dev", "loud"),
    ]


def test_items_merge_through_every_level() -> None:
    text = "workloads:\n- name: main\n  containers:\n  - {name: php, image: example/drupal, env: [{name: A, value: a}]}"
    (container,) = child(text).workloads[0].containers
    assert container.image == "example/drupal"
    assert [variable.name for variable in container.env] == ["CLEAR", "A"]


def test_options_merge_by_version_and_the_child_chooses_its_own_default() -> None:
    options = child("options:\n- {version: '8.4', tag: 8.4-9, default: true}\n- {version: '8.5', tag: 8.5-9}").options
    assert [(option.version, option.tag, option.default, option.eol) for option in options] == [
        ("8.5", "8.5-9", False, "2029-12-31"),
        ("8.4", "8.4-9", True, None),
        ("8.1", "8.1-1", False, None),
    ]


def test_the_parents_options_can_be_limited_to_a_range() -> None:
    manifest = child("fromOptionVersionConstraint: ^8.4")
    assert [option.version for option in manifest.options] == ["8.5", "8.4"]


def test_the_parents_derivatives_begin_with_the_childs_name() -> None:
    assert [item.name for item in child().derivatives] == ["drupal-php-sshd"]


def test_inheritance_goes_on_through_generations() -> None:
    parent = child("labels: [drupal]")
    last = valid(
        "name: shop-php\ntype: service\nfrom: drupal-php\ntitle: Shop\nlabels: [shop]", **{"drupal-php": parent}
    )
    assert last.labels == ("php", "fpm", "drupal", "shop")
    assert [item.name for item in last.derivatives] == ["shop-php-sshd"]


def test_reading_a_child_does_not_change_its_parent() -> None:
    parent = valid(PARENT)
    before = parent.to_data()
    service("name: a\ntype: service\nfrom: php\ntitle: A\noptions: [{version: '9', default: true}]", php=parent)
    assert parent.to_data() == before


def test_a_missing_parent_is_one_finding() -> None:
    read = service("name: a\ntitle: A\ntype: service\nfrom: none\nlabels: 7\n")
    assert read.findings == (
        Finding(
            "service.yml",
            4,
            "from",
            Code.UNKNOWN_PARENT,
            "The parent service 'none' is not there.",
            "Import 'none' first, or check its name.",
        ),
    )


def test_a_parent_that_is_there_in_other_versions_is_told_apart() -> None:
    parent = valid(PARENT)

    def lookup(name: str, version: str | None) -> ServiceManifest | None:
        return parent if (name, version) in (("php", None), ("php", "1.0.1")) else None

    text = "name: a\ntitle: A\ntype: service\nfrom: php\nfromVersion: {}\n"
    assert read_service(text.format("1.0.1"), "a.yml", lookup).findings == ()
    assert places(read_service(text.format("2.0.1"), "a.yml", lookup)) == [
        (5, "fromVersion", Code.UNKNOWN_PARENT_VERSION)
    ]


def test_a_pinned_version_lies_in_the_range_of_updates() -> None:
    text = "name: a\ntitle: A\ntype: service\nfrom: php\nfromVersion: {}\nfromVersionConstraint: {}\n"
    php = valid(PARENT)
    assert places(service(text.format("1.4.0", "^1.2.0"), php=php)) == []
    assert places(service(text.format("2.0.0", "^1.2.0"), php=php)) == [(5, "fromVersion", Code.CONFLICTING_FIELDS)]
    assert places(service(text.format("2.0.0", "newest"), php=php)) == [
        (6, "fromVersionConstraint", Code.INVALID_VALUE)
    ]


def test_a_finding_in_a_merged_item_stands_where_the_child_wrote_it() -> None:
    text = (
        "name: a\ntitle: A\ntype: service\nfrom: php\nlinks:\n- name: mail\n  title: Mail\n- name: db\n  color: red\n"
    )
    assert places(service(text, php=valid(PARENT))) == [
        (6, "links[0].selectors", Code.MISSING_FIELD),
        (9, "links[1].color", Code.UNKNOWN_FIELD),
    ]


def test_a_finding_in_what_is_inherited_stands_at_from() -> None:
    text = "name: a\ntitle: A\ntype: storage\nfrom: php\n"
    (finding,) = service(text, php=valid(PARENT)).findings
    assert (finding.line, finding.path, finding.code) == (4, "from", Code.CONFLICTING_FIELDS)
    assert finding.message.endswith("It is inherited, at scalable.")


def test_wrong_types_over_inherited_values_are_findings() -> None:
    text = "name: a\ntitle: A\ntype: service\nfrom: php\nlinks: none\noptions: {}\nworkloads:\n- 7\n"
    assert [(line, code) for line, _, code in places(service(text, php=valid(PARENT)))] == [
        (5, Code.WRONG_TYPE),
        (6, Code.WRONG_TYPE),
        (8, Code.WRONG_TYPE),
    ]


def test_a_parent_is_asked_for_in_the_version_that_is_pinned() -> None:
    asked: list[tuple[str, str | None]] = []

    def lookup(name: str, version: str | None) -> ServiceManifest | None:
        asked.append((name, version))
        return among({"php": valid(PARENT)})(name, version)

    read_service("name: a\ntitle: A\ntype: service\nfrom: php\nfromVersion: 1.0.0\n", "a.yml", lookup)
    assert asked == [("php", "1.0.0")]

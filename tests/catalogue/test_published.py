"""Published manifests, from the folder that BERTH_MANIFESTS names: all are understood, what they lack is said."""

import os
from pathlib import Path

import pytest
import yaml

from catalogue.check import check
from catalogue.documents import read_document
from catalogue.findings import Code
from catalogue.services import ServiceManifest
from catalogue.shape import shaped
from catalogue.stacks import StackManifest

FOLDER = os.environ["BERTH_MANIFESTS"]
FILES = sorted(Path(FOLDER).rglob("s*.yml"))


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_published_manifest_has_the_fields_of_the_format(file: Path) -> None:
    document = read_document(file.read_text(), str(file))
    assert document.findings == ()
    assert document.value is not None
    model = ServiceManifest if file.name == "service.yml" else StackManifest
    manifest = shaped(model, document.value.data)
    assert isinstance(manifest, model)
    assert model.of_data(manifest.to_data()) == manifest
    assert document.value.data == yaml.safe_load(file.read_text())


def test_what_the_published_set_lacks_is_one_finding_each() -> None:
    findings = check([FOLDER]).findings
    documents = {file: yaml.safe_load(file.read_text()) for file in FILES}
    services = {data["name"] for file, data in documents.items() if file.name == "service.yml"}
    parents = {str(file) for file, data in documents.items() if "from" in data and data["from"] not in services}
    assert {finding.file for finding in findings if finding.code == Code.UNKNOWN_PARENT} == parents
    missing = {
        (str(file), f"services[{at}].service")
        for file, data in documents.items()
        if file.name == "stack.yml"
        for at, service in enumerate(data["services"])
        if service["service"].partition(":")[0] not in services
    }
    assert {(found.file, found.path) for found in findings if found.code == Code.UNKNOWN_SERVICE} == missing
    newer = {found.file for found in findings if found.code == Code.UNKNOWN_PARENT_VERSION}
    assert {documents[Path(file)]["name"] for file in newer} == {"laravel-php", "wordpress-php"}
    codes = {Code.UNKNOWN_PARENT, Code.UNKNOWN_SERVICE, Code.UNKNOWN_PARENT_VERSION, Code.FAULTY_SERVICE}
    others = [(documents[Path(found.file)]["name"], found.path) for found in findings if found.code not in codes]
    assert others == [("php", "services[3].containers[0].name")]


def test_the_published_set_is_checked_the_same_in_any_order() -> None:
    backwards = check([str(path) for path in reversed(FILES)])
    assert backwards.findings == check([FOLDER]).findings

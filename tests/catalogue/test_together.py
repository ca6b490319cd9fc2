"""Sets of manifests that are read beside services that are there already."""

from catalogue.documents import read_document
from catalogue.findings import Code
from catalogue.folders import Source
from catalogue.services import ServiceManifest
from catalogue.together import Together, together
from tests.catalogue.made import valid, web

CHILD = "name: shop\ntitle: Shop\ntype: service\nfrom: web\n"
STACK = "name: site\ntitle: Site\nservices:\n- {name: a, title: A, service: web}\n"


def read(*texts: str, known: dict[str, ServiceManifest] | None = None) -> Together:
    found = []
    for number, text in enumerate(texts):
        document = read_document(text, f"{number}.yml").value
        assert document is not None
        found.append(Source("stack" if "services:" in text else "service", document))
    return together(found, known)


def found(made: Together) -> list[tuple[str, int, str, Code]]:
    return [(finding.file, finding.line, finding.path, finding.code) for finding in made.findings]


def test_parents_and_services_may_be_known_already() -> None:
    made = read(CHILD, STACK, known={"web": valid(web("labels: [known]"))})
    assert found(made) == []
    assert [(service.name, service.labels) for service in made.services] == [("shop", ("known",))]
    assert [stack.name for stack in made.stacks] == ["site"]


def test_a_service_of_the_set_counts_before_a_known_one() -> None:
    made = read(CHILD, web("labels: [new]"), known={"web": valid(web("labels: [known]"))})
    assert [(service.name, service.labels) for service in made.services] == [("web", ("new",)), ("shop", ("new",))]


def test_a_faulty_service_of_the_set_is_not_replaced_by_the_known_one() -> None:
    made = read(CHILD, web("x: 1"), STACK, known={"web": valid(web())})
    assert found(made) == [
        ("0.yml", 4, "from", Code.FAULTY_SERVICE),
        ("1.yml", 10, "x", Code.UNKNOWN_FIELD),
        ("2.yml", 4, "services[0].service", Code.FAULTY_SERVICE),
    ]


def test_two_stacks_of_one_name_are_refused_and_a_service_may_share_it() -> None:
    made = read(STACK, STACK, web().replace("name: web", "name: site", 1), known={"web": valid(web())})
    assert found(made) == [("1.yml", 1, "name", Code.DUPLICATE_NAME)]
    assert [source.document.file for source in made.order] == ["2.yml", "0.yml", "1.yml"]

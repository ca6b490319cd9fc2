"""From the text of a manifest to its value, or to everything that is wrong with it."""

from collections.abc import Callable, Container, Iterable
from typing import Any, TypeVar

from catalogue import linking, references
from catalogue.documents import Document, read_document
from catalogue.findings import Code, Finding, Issue, Read, finding, path_text, refuse
from catalogue.inherit import Merged, duplicates, inherit
from catalogue.items import Item
from catalogue.services import Lookup, ServiceManifest
from catalogue.shape import shaped
from catalogue.stacks import StackManifest

Manifest = TypeVar("Manifest", bound=Item)


def read_service(text: str, file: str, parents: Lookup) -> Read[ServiceManifest]:
    """The service that `text` describes, with what it inherits merged in. `parents` finds what `from` names."""
    document = read_document(text, file)
    return service_of(document.value, parents) if document.value else Read(None, document.findings)


def service_of(document: Document, parents: Lookup) -> Read[ServiceManifest]:
    """As `read_service`, of a document that is read already."""
    repeated: Read[ServiceManifest] = refuse(duplicates(document.data), _placing(document, Merged(document.data)))
    if repeated.findings:
        return repeated
    merged = _inherited(document.data, parents)
    if isinstance(merged, Issue):
        return refuse([merged], _placing(document, Merged(document.data)))
    return _typed(document, merged, ServiceManifest, references.issues)


def read_stack(text: str, file: str, services: Lookup) -> Read[StackManifest]:
    """The stack that `text` describes, checked against the services that `services` finds."""
    document = read_document(text, file)
    return stack_of(document.value, services) if document.value else Read(None, document.findings)


def stack_of(document: Document, services: Lookup, faulty: Container[str] = ()) -> Read[StackManifest]:
    """As `read_stack`, of a document that is read already. `faulty` services are there, with findings of their own:
    each is one finding, and what depends on it is not looked at.
    """
    merged = Merged(document.data)
    repeated: Read[StackManifest] = refuse(duplicates(document.data), _placing(document, merged))
    if repeated.findings:
        return repeated
    read = _typed(document, merged, StackManifest, lambda stack: linking.issues(stack, services, faulty))
    return read if read.value is None else Read(linking.with_main(read.value, services))


def _typed(
    document: Document, merged: Merged, model: type[Manifest], check: Callable[[Manifest], Iterable[Issue]]
) -> Read[Manifest]:
    place = _placing(document, merged)
    value = shaped(model, merged.data)
    if isinstance(value, tuple):
        return refuse(value, place)
    read: Read[Manifest] = refuse(check(value), place)
    return read if read.findings else Read(value)


def _inherited(data: Any, parents: Lookup) -> Merged | Issue:
    """The data with its parent's underneath, or why there is no parent."""
    name = data.get("from") if isinstance(data, dict) else None
    if not isinstance(name, str):
        return Merged(data)
    pinned = data.get("fromVersion")
    pinned = pinned if isinstance(pinned, str) else None
    parent = parents(name, pinned)
    if parent is not None:
        return inherit(data, parent)
    if pinned is not None and parents(name, None) is not None:
        problem = f"The service {name!r} is not there in version {pinned}."
        remedy = f"Import {name!r} in version {pinned}, or pin one that is there."
        return Issue(("fromVersion",), Code.UNKNOWN_PARENT_VERSION, problem, remedy)
    said = f"{name} {pinned}" if pinned else name
    remedy = f"Import {name!r} first, or check its name."
    return Issue(("from",), Code.UNKNOWN_PARENT, f"The parent service {said!r} is not there.", remedy)


def _placing(document: Document, merged: Merged) -> Callable[[Issue], Finding]:
    def place(issue: Issue) -> Finding:
        path, own = merged.origin(issue.path)
        message = issue.message if own else f"{issue.message} It is inherited, at {path_text(issue.path)}."
        return finding(document.file, document.line(path), path, issue.code, message, issue.remedy)

    return place

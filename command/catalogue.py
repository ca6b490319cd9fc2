"""Importing manifests."""

from pathlib import Path

from catalogue.check import check
from catalogue.findings import Code
from command.ending import give_up
from command.first import import_files, organization_id
from command.remote import Remote, RemoteError


def import_paths(remote: Remote, paths: list[Path], organization: str) -> None:
    """Send every manifest that the paths mean, parents first; drafts of stacks are left to be published.

    What a manifest inherits may be on the other side already, so only what cannot be read stops this here.
    """
    checked = check(map(str, paths))
    unreadable = [finding for finding in checked.findings if finding.code == Code.UNREADABLE]
    if unreadable or not checked.order:
        give_up("\n".join(map(str, unreadable)) or "The paths hold no manifest.")
    files = [(source.document.file, Path(source.document.file).read_text()) for source in checked.order]
    try:
        stacks = import_files(remote, organization_id(remote, organization), files)
    except RemoteError as error:
        give_up(error)
    print(f"{len(files)} manifests imported. Drafts to publish: {', '.join(sorted(stacks)) or 'none'}.")

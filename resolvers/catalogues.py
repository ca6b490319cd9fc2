"""Many manifests at once, in any order: all of them are imported, or none."""

from collections.abc import Mapping, Sequence

from jobs.start import Door, Ids
from resolvers import services, stacks
from resolvers.changes import Ask, Changed
from resolvers.manifest_texts import put_together, read
from rules.enums import Scope


async def import_(ask: Ask, organization_id: str, files: Sequence[Mapping[str, str]]) -> Changed:
    """Services with a new revision each where they changed, then stacks as drafts.

    files: `name` and `text` of each. Raises: Refused, also MANIFEST_INVALID with the findings of all files.
    """
    sent = await read([(None, file["name"], file["text"]) for file in files], "input.files")
    mentioned = {name for item in sent for name in item.mentions}

    async def work(door: Door) -> Ids:
        await door.organization(organization_id, Scope.CONFIGURE)
        known = await services.latest(door, organization_id, mentioned)
        made = put_together(sent, {name: found for name, (_, found) in known.items()}, "input.files")
        written = [await services.write(door, organization_id, *item) for item in made.services]
        current = await services.latest(door, organization_id, mentioned)
        drafted = [await stacks.write(door, organization_id, *item, current) for item in made.stacks]
        cursors = [cursor for _, cursor in (*written, *drafted) if cursor is not None]
        return {
            "services": " ".join(id for id, _ in written),
            "stacks": " ".join(id for id, _ in drafted),
            "cursor": cursors[-1] if cursors else None,
        }

    return await ask.change(work)

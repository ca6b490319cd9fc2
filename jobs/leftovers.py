"""What earlier deployments applied and the present one does not have: removed, but for claims, which hold data."""

from jobs.applied import applied_before, applied_now, keep, key, take_stock
from jobs.steps import Run
from kube.apply import Item, prune
from kube.resources import CLAIM
from models import AppService
from models.applied import FOUNDATION


async def remove_leftovers(run: Run) -> None:
    """Deletes them. Claims stay, and stay known, unless the task is asked to delete them; those of services that are
    only switched off stay in any case."""
    instance, client = await run.instance(), await run.cluster()
    now, before = await applied_now(run), await applied_before(run)
    off = {one.name for one in await AppService.filter(instance_id=instance.id, enabled=False)}
    present = {key(made) for each in now.values() for made in each}
    claims = {
        name: [made for made in each if made["kind"] == CLAIM.kind and key(made) not in present]
        for name, each in before.items()
    }
    if run.task.input.get("deleteClaims"):
        claims = {name: each for name, each in claims.items() if name in off}
    services = (now.keys() | before.keys()) - {FOUNDATION}
    kept = {name: [*now.get(name, ()), *claims.get(name, ())] for name in services}
    await keep(run, kept)

    wanted = {
        key(made) for each in (*kept.values(), before.get(FOUNDATION, ()), now.get(FOUNDATION, ())) for made in each
    }
    items = [Item(**item) for item in instance.inventory]
    new = [item for item in items if (item.kind, item.name) in wanted]
    gone = await prune(client, instance.namespace, items, new, claims=True)
    await run.log(*(f"removed {item.kind} {item.name}" for item in gone))
    for name, each in claims.items():
        how = "" if name in off else "; deploy with deleteClaims to delete it"
        await run.log(*(f"kept {CLAIM.kind} {made['metadata']['name']} with its data{how}" for made in each))
    await take_stock(run, new)

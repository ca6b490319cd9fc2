"""Tokens: made, shown once, renewed on an open connection, and revoked."""

from datetime import UTC, datetime, timedelta

from tortoise.timezone import now

from jobs.start import Door, Ids
from models import App, Instance, Membership, Organization, Token
from resolvers.auth import authenticate, hashed, new_secret
from resolvers.changes import Ask, Changed
from resolvers.owned import locked
from rules import names
from rules.access import includes, refusal
from rules.enums import Scope
from rules.refusals import Refused, not_found
from rules.viewer import Viewer

LONGEST = timedelta(days=366)

Reach = tuple[str | None, str | None, str | None]
"""The organization, the app and the instance that a token is narrowed to."""


async def create(
    ask: Ask,
    name: str,
    scope: Scope,
    organization_id: str | None = None,
    app_id: str | None = None,
    instance_id: str | None = None,
    member_id: str | None = None,
    expires_at: datetime | None = None,
) -> Changed:
    """A token of the viewer, or, by an owner, of a member of the organization.

    It reaches no further than the one it is made with, and may do no more. One of a lower scope than ADMIN cannot make
    one that outlives it. Raises: Refused.
    """
    label = names.title(name, "input.name")
    ends = _end(expires_at)

    async def work(door: Door) -> Ids:
        viewer = door.viewer
        reach = await _reach(door, organization_id, app_id, instance_id)
        user_id = viewer.user_id
        if member_id is not None:
            member = await locked(door, Membership, member_id, Scope.ADMIN, path="input.memberId")
            if reach[0] not in (None, member.organization_id):
                raise not_found("input.memberId")
            user_id, reach = member.user_id, (member.organization_id, *reach[1:])
        own = await Token.get(id=viewer.token_id, using_db=door.connection)
        _no_further(own, reach)
        _no_more(viewer.scope, scope, "input.scope")
        _no_longer(own, ends)
        secret = new_secret()
        row = await Token.create(
            using_db=door.connection,
            user_id=user_id,
            organization_id=reach[0],
            app_id=reach[1],
            instance_id=reach[2],
            name=label,
            hash=hashed(secret),
            scope=scope.value,
            expires_at=ends,
        )
        door.secrets["secret"] = secret
        return {"token": row.id, "cursor": await _tell(door, row, "TOKEN_CREATED")}

    return await ask.change(work)


async def revoke(ask: Ask, id: str) -> Changed:
    """Ends a token of the viewer's, or, by an owner, one narrowed to the organization. Doing it again changes nothing.

    Besides itself a token ends only what it could have made. Raises: Refused.
    """

    async def work(door: Door) -> Ids:
        row = await Token.get_or_none(id=id, using_db=door.connection)
        if row is None or not _known(door.viewer, row):
            raise not_found("input.id")
        if row.id != door.viewer.token_id:
            own = await Token.get(id=door.viewer.token_id, using_db=door.connection)
            _no_further(own, (row.organization_id, row.app_id, row.instance_id), "input.id")
            _no_more(door.viewer.scope, Scope(row.scope), "input.id")
        if row.organization_id is not None:
            await Organization.select_for_update(no_key=True).using_db(door.connection).get(id=row.organization_id)
        ended = await door.connection.execute_query_dict(
            "UPDATE token SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id", [id]
        )
        return {"token": id, "cursor": await _tell(door, row, "TOKEN_REVOKED") if ended else None}

    return await ask.change(work)


async def renew(ask: Ask, token: str) -> Changed:
    """Puts another token of the same user in place of the one that the connection is proved with. Raises: Refused."""
    session = ask.context.session
    if not session.stays:
        raise Refused(
            "INVALID_INPUT",
            "This request has no connection that stays open.",
            "Send the new token with the next request; over a websocket, renewToken puts it in place of the old one.",
        )
    viewer = await authenticate(token)
    if viewer is None:
        message = "The token is wrong, revoked or past its end."
        raise Refused("INVALID_INPUT", message, "Make a new one with createToken.", "input.token")
    if viewer.user_id != ask.viewer.user_id:
        message = "The token is another user's, and a connection stays with its user."
        raise Refused("FORBIDDEN", message, "Open a new connection with it.", "input.token")
    session.renew(token, viewer)
    ask.context.viewer = viewer
    return Changed({"token": viewer.token_id}, fresh=True)


def _end(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    ends = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
    if not now() < ends <= now() + LONGEST:
        raise Refused(
            "INVALID_INPUT",
            "A token ends in the future, and within a year.",
            "Choose a time within a year, or none for a token that does not end by itself.",
            "input.expiresAt",
        )
    return ends


async def _reach(door: Door, organization_id: str | None, app_id: str | None, instance_id: str | None) -> Reach:
    """What the token is to be narrowed to, the organization and the app known from what is narrower."""
    viewer = door.viewer
    if instance_id is not None:
        instance = await Instance.get_or_none(id=instance_id, deleted_at=None, using_db=door.connection)
        if instance is None or not viewer.sees(instance.organization_id, instance.app_id, instance.id):
            raise not_found("input.instanceId")
        if app_id not in (None, instance.app_id):
            raise not_found("input.appId")
        app_id = instance.app_id
    if app_id is not None:
        app = await App.get_or_none(id=app_id, deleted_at=None, using_db=door.connection)
        if app is None or not viewer.sees(app.organization_id, app.id):
            raise not_found("input.appId")
        if organization_id not in (None, app.organization_id):
            raise not_found("input.organizationId")
        return app.organization_id, app.id, instance_id
    if organization_id is not None and not viewer.sees(organization_id):
        raise not_found("input.organizationId")
    return organization_id, None, None


def _no_further(own: Token, reach: Reach, path: str | None = None) -> None:
    limits = (own.organization_id, own.app_id, own.instance_id)
    if any(limit not in (None, wanted) for limit, wanted in zip(limits, reach, strict=True)):
        raise Refused(
            "FORBIDDEN",
            "Your token is narrowed, so it can neither make nor end one that reaches further.",
            "Narrow the new token as far as your own, or use a token that reaches as far.",
            path,
            details={"missing": Scope.ADMIN},
        )


def _no_more(own: Scope, wanted: Scope, path: str) -> None:
    if not includes(own, wanted):
        raise Refused(
            "FORBIDDEN",
            f"Your token's scope {own} can neither make nor end a token with the scope {wanted}.",
            f"Use a token with the scope {wanted}.",
            path,
            details={"missing": wanted},
        )


def _no_longer(own: Token, ends: datetime | None) -> None:
    if own.scope != Scope.ADMIN and own.expires_at is not None and (ends is None or ends > own.expires_at):
        raise Refused(
            "FORBIDDEN",
            f"Your token's scope {own.scope} cannot make a token that outlives it.",
            "Choose an earlier end, or use a token with the scope ADMIN.",
            "input.expiresAt",
            details={"missing": Scope.ADMIN},
        )


def _known(viewer: Viewer, row: Token) -> bool:
    """Whether the token exists for the viewer: itself, one's own, or one of an organization that one owns."""
    if viewer.narrowed:
        return row.id == viewer.token_id
    if row.organization_id is None:
        return row.user_id == viewer.user_id
    role = viewer.roles.get(row.organization_id)
    if role is None:
        return False
    return row.user_id == viewer.user_id or refusal(role, viewer.scope, Scope.ADMIN) is None


async def _tell(door: Door, row: Token, kind: str) -> str | None:
    """Told in the organization that the token is narrowed to, else in all that its user is in."""
    data = {"tokenId": row.id, "userId": row.user_id, "scope": row.scope}
    if row.organization_id is not None:
        return await door.audit(row.organization_id, kind, data)
    for organization_id in sorted(door.viewer.roles):
        await door.audit(organization_id, kind, data)
    return None

"""What the API refuses, in Kubernetes' own shape: a Status with a reason, a code and details."""

from simulator.kinds import Kind, Object


class StatusError(Exception):
    """A request that the API answers with a Status instead of what was asked for."""

    def __init__(
        self, code: int, reason: str, message: str, details: Object | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.status: Object = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        }  # fmt: skip
        if not reason:
            del self.status["reason"]
        if retry_after is not None:
            details = {**(details or {}), "retryAfterSeconds": retry_after}
        if details is not None:
            self.status["details"] = details


def _details(kind: Kind, name: str, causes: list[Object] | None = None, *, plural: bool = True) -> Object:
    details: Object = {"name": name} if name else {}
    if kind.group:
        details["group"] = kind.group
    details["kind"] = kind.plural if plural else kind.name
    if causes:
        details["causes"] = causes
    return details


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def unknown_path() -> StatusError:
    """A path or kind that is not served; the words are the real API server's."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def not_allowed() -> StatusError:
    """The answer to a method that the path does not have."""
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_found(kind: Kind, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def already_exists(kind: Kind, name: str) -> StatusError:
    return StatusError(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(kind, name))


def changed(kind: Kind, name: str, why: str) -> StatusError:
    """The 409 of a deletion whose precondition does not hold, which names the kind and not the resource."""
    message = f'Operation cannot be fulfilled on {kind.name}{f".{kind.group}" if kind.group else ""} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(kind, name, plural=False))


def modified(kind: Kind, name: str) -> StatusError:
    """The answer to a write that carries an old resourceVersion."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def forbidden(kind: Kind, name: str, why: str, causes: list[Object] | None = None) -> StatusError:
    shown = f'{kind.resource} "{name}" is forbidden: {why}' if name else f"{kind.resource} is forbidden: {why}"
    return StatusError(403, "Forbidden", shown, _details(kind, name, causes))


def invalid(kind: Kind, name: str, causes: list[Object]) -> StatusError:
    """A 422; each cause has reason, message (without the field) and field."""
    lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    shown = f"{kind.name}.{kind.group}" if kind.group else kind.name
    details = _details(kind, name, causes, plural=False)
    return StatusError(422, "Invalid", f'{shown} "{name}" is invalid: {text}', details)


def expired(message: str) -> StatusError:
    """A version or a continue token that the server no longer holds."""
    return StatusError(410, "Expired", message)

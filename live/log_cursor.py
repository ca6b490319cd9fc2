"""Cursors of logs: where a reader stands in every container of an instance, as one text that only Berth can make.

A cursor is base64url of a version, what it is for (the instance and the filter), a place for each container, and a tag
by a key of the installation. A single time would not do: many lines share a nanosecond, and containers differ.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kube.log_records import Position
from models.keyring import Keyring
from rules.refusals import Refused

_VERSION = 1
_PURPOSE = "log cursor"
_HEAD = struct.Struct(">B8s8s")
_PLACE = struct.Struct(">6s4sHB")
_LINE = struct.Struct(">QII")
_HIGH = struct.Struct(">Q")
_TAG = 16
_HAS_LINE, _BEFORE, _ENDED, _HAS_HIGH = 1, 2, 4, 8
LONGEST = 64 * 1024
"""Characters of a text that is looked at; a cursor has about 45 for each container."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands in the log of one container, whose runs follow one another.

    It has all runs before this one behind it. at: the line that it stands behind, or in front of with `before`; None
    when it stands at the run's beginning. ended: the run has ended, and all of it was read.
    """

    run: bytes
    restarts: int
    at: Position | None = None
    before: bool = False
    ended: bool = False


Places = Mapping[bytes, Place]
"""By container, as `container_key` names it."""


def container_key(pod_uid: str, container: str) -> bytes:
    """What names a container in a cursor."""
    return hashlib.sha256(f"{pod_uid}/{container}".encode()).digest()[:6]


def run_key(container_id: str) -> bytes:
    """What names a run among those of one container."""
    return hashlib.sha256(container_id.encode()).digest()[:4]


@dataclass(frozen=True, slots=True)
class Scope:
    """What cursors are for, and what signs them. filter: the digest of a filter."""

    instance_id: str
    filter: bytes
    keyring: Callable[[], Keyring]

    def write(self, places: Places) -> str:
        """The cursor of these places."""
        parts = [_HEAD.pack(_VERSION, _digest(self.instance_id), self.filter)]
        for key, place in places.items():
            at = place.at
            flags = _BEFORE * place.before | _ENDED * place.ended
            if at is not None:
                flags |= _HAS_LINE | _HAS_HIGH * (at.high != at.ns)
            parts.append(_PLACE.pack(key, place.run, min(place.restarts, 0xFFFF), flags))
            if at is not None:
                parts.append(_LINE.pack(at.ns, at.ordinal, at.crc))
                if at.high != at.ns:
                    parts.append(_HIGH.pack(at.high))
        data = b"".join(parts)
        return base64.urlsafe_b64encode(data + self.keyring().tag(_PURPOSE, data)).rstrip(b"=").decode()

    def read(self, text: str, path: str) -> dict[bytes, Place]:
        """The places of a cursor. path: the argument that it came in.

        Raises: Refused INVALID_CURSOR for a text that Berth did not make, or for another instance or filter.
        """
        data, tag = _parts(text)
        if len(data) < _HEAD.size or not self.keyring().is_tag(_PURPOSE, data, tag):
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            message = f"{shown!r} is no cursor of a log here."
            raise _invalid(message, "Send a cursor as it came, or none to begin anew.", path)
        version, instance, filter = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise _invalid("The cursor is of another version of Berth.", "Begin anew, without a cursor.", path)
        if instance != _digest(self.instance_id):
            remedy = "Send a cursor of this instance, or none to begin anew."
            raise _invalid("The cursor is one of another instance.", remedy, path)
        if filter != self.filter:
            remedy = "Send the filter that it came with, or no cursor to begin anew."
            raise _invalid("The cursor came with another filter.", remedy, path)
        return _places(data)


class Mark:
    """The places at one moment of a stream; their cursor is written when it is asked for first."""

    __slots__ = ("_scope", "_text", "places")

    def __init__(self, scope: Scope, places: Places) -> None:
        self.places = places
        self._scope = scope
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The cursor."""
        if self._text is None:
            self._text = self._scope.write(self.places)
        return self._text


def _places(data: bytes) -> dict[bytes, Place]:
    places: dict[bytes, Place] = {}
    offset = _HEAD.size
    while offset < len(data):
        key, run, restarts, flags = _PLACE.unpack_from(data, offset)
        offset += _PLACE.size
        at = None
        if flags & _HAS_LINE:
            ns, ordinal, crc = _LINE.unpack_from(data, offset)
            offset += _LINE.size
            high = ns
            if flags & _HAS_HIGH:
                (high,) = _HIGH.unpack_from(data, offset)
                offset += _HIGH.size
            at = Position(ns, ordinal, crc, high)
        places[key] = Place(run, restarts, at, bool(flags & _BEFORE), bool(flags & _ENDED))
    return places


def _parts(text: str) -> tuple[bytes, bytes]:
    """The data and its tag; both empty for what cannot be a cursor."""
    if len(text) > LONGEST or not text.isascii():
        return b"", b""
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b"", b""
    return whole[:-_TAG], whole[-_TAG:]


def _digest(instance_id: str) -> bytes:
    return hashlib.sha256(instance_id.encode()).digest()[:8]


def _invalid(message: str, remedy: str, path: str) -> Refused:
    return Refused("INVALID_CURSOR", message, remedy, path)

"""Secrets at rest: sealed with the keyring's primary key, bound to the row that holds them.

A sealed text is `v1:<key id>:<base64url of nonce and AES-256-GCM ciphertext>`. The row's id is the associated data, so
a ciphertext that was copied into another row does not open. A key's id is made from the key, so that a wrong key under
a known id is noticed when the file is read, not when a secret is needed.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_KEY_BYTES = 32
_TAG_BYTES = 16
_NONCE_BYTES = 12
"""NIST SP 800-38D, 8.2: 96 random bits."""


class KeyringError(Exception):
    """The keyring cannot be used, or a sealed text cannot be opened with it; the message says what to do."""


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"berth keyring " + key).hexdigest()[:12]


def key_of(sealed: str) -> str:
    """The id of the key that a text was sealed with.

    Raises:
        KeyringError: it is not a sealed text.
    """
    parts = sealed.split(":")
    if len(parts) != 3 or parts[0] != _VERSION:
        raise KeyringError("A stored secret is not in the sealed form; restore the row from a backup.")
    return parts[1]


def _tag(key: bytes, purpose: str, data: bytes) -> bytes:
    derived = hmac.digest(key, f"berth {purpose}".encode(), "sha256")
    return hmac.digest(derived, data, "sha256")[:_TAG_BYTES]


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id. New texts are sealed with the primary one; the others open what was sealed before."""

    primary: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Write a new file with one key, mode 0600, and return its keyring; an existing file is never overwritten.

        Raises:
            KeyringError: there is a file already, or it cannot be written.
        """
        try:
            return cls._write(path, {})
        except FileExistsError:
            raise KeyringError(f"{path} exists; its keys may be in use, so it is left as it is.") from None
        except OSError as error:
            raise KeyringError(f"The keyring {path} cannot be written: {error.strerror}.") from None

    @classmethod
    def rotate(cls, path: Path) -> Self:
        """Give an existing file a new primary key and keep the others, for what they sealed; returns its keyring.

        Raises:
            KeyringError: as `load`; or it cannot be written.
        """
        known = cls.load(path)
        fresh = path.with_name(path.name + ".new")
        try:
            owner = path.stat()
            fresh.unlink(missing_ok=True)
            cls._write(fresh, known.keys)
            os.chown(fresh, owner.st_uid, owner.st_gid)
            fresh.rename(path)
        except OSError as error:
            raise KeyringError(f"The keyring {path} cannot be written: {error.strerror}.") from None
        return cls.load(path)

    @classmethod
    def _write(cls, path: Path, older: Mapping[str, bytes]) -> Self:
        key = os.urandom(_KEY_BYTES)
        keys = {**older, _id_of(key): key}
        document = {"primary": _id_of(key), "keys": {id: base64.b64encode(key).decode() for id, key in keys.items()}}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a keyring's file.

        Raises:
            KeyringError: the file is missing, unreadable, malformed, or a key does not fit its id.
        """
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError:
            raise KeyringError(
                f"There is no keyring at {path}: restore it from its backup, or, for a new installation, "
                f"run `berth admin keyring create {path}`."
            ) from None
        except OSError as error:
            raise KeyringError(f"The keyring {path} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise KeyringError(f"The keyring {path} is not JSON; restore it from its backup.") from None
        try:
            keys = {str(name): base64.b64decode(text, validate=True) for name, text in document["keys"].items()}
            primary = str(document["primary"])
        except (KeyError, TypeError, AttributeError, binascii.Error):
            raise KeyringError(
                f'The keyring {path} is not like {{"primary": ID, "keys": {{ID: KEY}}}}; restore it from its backup.'
            ) from None
        for name, key in keys.items():
            if len(key) != _KEY_BYTES or name != _id_of(key):
                raise KeyringError(f"The key {name} of the keyring {path} was changed; restore it from its backup.")
        if primary not in keys:
            raise KeyringError(f"The keyring {path} lacks its primary key {primary}; restore it from its backup.")
        return cls(primary, keys)

    def seal(self, text: str, row_id: str) -> str:
        """Encrypt a text for the row that will hold it."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = AESGCM(self.keys[self.primary]).encrypt(nonce, text.encode(), row_id.encode())
        return f"{_VERSION}:{self.primary}:{base64.urlsafe_b64encode(nonce + ciphertext).decode()}"

    def unseal(self, sealed: str, row_id: str) -> str:
        """Decrypt what `seal` made for this row.

        Raises:
            KeyringError: its key is missing, or the text was changed or belongs to another row.
        """
        self.require([key_of(sealed)])
        try:
            data = base64.urlsafe_b64decode(sealed.rsplit(":", 1)[1])
            key = AESGCM(self.keys[key_of(sealed)])
            return key.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], row_id.encode()).decode()
        except (InvalidTag, ValueError):
            raise KeyringError(
                f"A secret of {row_id} does not open: it was changed or copied from another row. Set it again."
            ) from None

    def tag(self, purpose: str, data: bytes) -> bytes:
        """What proves later that this installation made the data, for this purpose: 16 bytes."""
        return _tag(self.keys[self.primary], purpose, data)

    def is_tag(self, purpose: str, data: bytes, tag: bytes) -> bool:
        """Whether `tag` made this of the data, with any of the keys."""
        return any(hmac.compare_digest(_tag(key, purpose, data), tag) for key in self.keys.values())

    def require(self, key_ids: Iterable[str]) -> None:
        """Refuse to go on without a key that the database needs: every process asks this once, when it starts.

        Raises:
            KeyringError: one of the keys is not in this keyring.
        """
        missing = sorted(set(key_ids) - self.keys.keys())
        if missing:
            raise KeyringError(
                f"The database holds secrets sealed with {', '.join(missing)}, which the keyring lacks: "
                "start with the keyring that this database was used with."
            )

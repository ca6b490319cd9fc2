"""Secrets are sealed for one row, and a keyring that does not fit is refused at once."""

import json
from pathlib import Path

import pytest

from models.keyring import Keyring, KeyringError, key_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def test_a_sealed_text_opens_for_its_row_alone(path: Path) -> None:
    keyring = Keyring.create(path)
    sealed = keyring.seal("päss", "cls_1")
    assert keyring.unseal(sealed, "cls_1") == "päss"
    with pytest.raises(KeyringError, match=r"^A secret of cls_2 does not open: it was changed or copied"):
        keyring.unseal(sealed, "cls_2")


def test_the_same_text_is_sealed_differently_each_time(path: Path) -> None:
    keyring = Keyring.create(path)
    assert keyring.seal("same", "cls_1") != keyring.seal("same", "cls_1")


def test_a_changed_text_does_not_open(path: Path) -> None:
    keyring = Keyring.create(path)
    sealed = keyring.seal("text", "cls_1")
    other = "A" if sealed[-3] != "A" else "B"
    with pytest.raises(KeyringError, match="does not open"):
        keyring.unseal(sealed[:-3] + other + sealed[-2:], "cls_1")
    with pytest.raises(KeyringError, match="does not open"):
        keyring.unseal(f"v1:{keyring.primary}:", "cls_1")


def test_a_text_that_was_never_sealed_is_refused(path: Path) -> None:
    with pytest.raises(KeyringError, match="not in the sealed form"):
        Keyring.create(path).unseal("password", "cls_1")


def test_a_sealed_text_names_its_key(path: Path) -> None:
    keyring = Keyring.create(path)
    assert key_of(keyring.seal("text", "cls_1")) == keyring.primary


def test_a_new_keyring_is_readable_by_its_owner_alone(path: Path) -> None:
    Keyring.create(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_keyring_is_never_overwritten(path: Path) -> None:
    keyring = Keyring.create(path)
    with pytest.raises(KeyringError, match="exists; its keys may be in use"):
        Keyring.create(path)
    assert Keyring.load(path) == keyring


def test_older_keys_open_and_the_primary_one_seals(path: Path, tmp_path: Path) -> None:
    old = Keyring.create(path)
    new = Keyring.create(tmp_path / "new.json")
    both = Keyring(new.primary, {**old.keys, **new.keys})
    assert both.unseal(old.seal("text", "row"), "row") == "text"
    assert key_of(both.seal("text", "row")) == new.primary


def test_a_database_sealed_with_another_keyring_is_refused(path: Path, tmp_path: Path) -> None:
    keyring = Keyring.create(path)
    other = Keyring.create(tmp_path / "other.json")
    keyring.require([keyring.primary, keyring.primary])
    with pytest.raises(KeyringError) as refusal:
        keyring.require([other.primary, keyring.primary])
    assert str(refusal.value) == (
        f"The database holds secrets sealed with {other.primary}, which the keyring lacks: "
        "start with the keyring that this database was used with."
    )


def test_a_missing_file_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(KeyringError) as refusal:
        Keyring.load(path)
    assert str(refusal.value) == (
        f"There is no keyring at {path}: restore it from its backup, or, for a new installation, "
        f"run `berth admin keyring create {path}`."
    )


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"primary": "a", "keys": {"a": "not base64"}}', '{"keys": []}'])
def test_a_malformed_file_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(KeyringError, match="restore it from its backup"):
        Keyring.load(path)


def test_a_key_exchanged_under_its_id_is_noticed(path: Path, tmp_path: Path) -> None:
    keyring = Keyring.create(path)
    document = json.loads(path.read_text())
    document["keys"][keyring.primary] = "A" * 43 + "="
    path.write_text(json.dumps(document))
    with pytest.raises(KeyringError, match=f"The key {keyring.primary} of the keyring .* was changed"):
        Keyring.load(path)


def test_a_keyring_without_its_primary_key_is_refused(path: Path) -> None:
    Keyring.create(path)
    document = json.loads(path.read_text())
    document["primary"] = "gone"
    path.write_text(json.dumps(document))
    with pytest.raises(KeyringError, match="lacks its primary key gone"):
        Keyring.load(path)


def test_keys_are_not_printed(path: Path) -> None:
    keyring = Keyring.create(path)
    assert repr(keyring) == f"Keyring(primary='{keyring.primary}')"

"""The first owner of an installation, and the keyring."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tortoise.transactions import in_transaction
from typer.testing import CliRunner

from command.program import program
from models import Applied, AppService, Cluster, Instance, Variable, applied
from models.keyring import Keyring
from tests.kit import makers

ROOT = Path(__file__).parents[2]


def berth(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "cli.py", *arguments], cwd=ROOT, capture_output=True, text=True, env=os.environ | environment
    )


def test_the_first_owner_is_made_and_a_token_is_shown(database_url: str) -> None:
    done = berth("admin", "create-owner", "ada@example.com", "acme", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"organization org_\w{26}\nuser         usr_\w{26}\ntoken        berth_\w{40}\n"
        r"Keep the token: it is shown this once\.\n",
        done.stdout,
    )


def test_a_name_that_breaks_the_rule_is_refused_in_words(database_url: str) -> None:
    done = berth("admin", "create-owner", "ada@example.com", "Acme!", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "'Acme!' is not a machine name. "
        "Use 1 to 63 lower-case letters, digits and hyphens, starting and ending with a letter or digit.\n"
    )


def test_without_a_database_it_is_said() -> None:
    done = berth("admin", "create-owner", "ada@example.com", "acme", DATABASE_URL="")
    assert (done.returncode, done.stderr) == (1, "Set DATABASE_URL to the address of Berth's database.\n")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("foo", r"Correct the setting DATABASE_URL: .*\."),
        ("postgres://nobody@127.0.0.1:1/none", r"The database does not answer: .*\. Check DATABASE_URL, .*\."),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_sentence(url: str, sentence: str) -> None:
    for arguments in (["migrate"], ["admin", "create-owner", "ada@example.com", "acme"]):
        done = berth(*arguments, DATABASE_URL=url)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(sentence + "\n", done.stderr), done.stderr


def test_a_database_without_tables_is_one_sentence(empty_database_url: str) -> None:
    done = berth("admin", "create-owner", "ada@example.com", "acme", DATABASE_URL=empty_database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"The database refuses: .*\. Check DATABASE_URL, and that `berth migrate` was run\.\n", done.stderr
    )


def test_a_setting_that_cannot_be_is_named_without_its_value() -> None:
    done = berth("demo", BERTH_PORT="98765")
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "Correct the setting BERTH_PORT: input should be less than or equal to 65535.\n",
    )  # fmt: skip


def test_an_address_that_is_no_api_is_said_with_one_that_would_be() -> None:
    done = berth("task", "tsk_1", BERTH_URL="http://127.0.0.1:1", BERTH_TOKEN="x")
    assert done.returncode == 1
    assert re.fullmatch(
        r"http://127\.0\.0\.1:1 does not answer: .*\. Check BERTH_URL, and that the API runs\.\n", done.stderr
    )


def test_a_keyring_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    done = CliRunner().invoke(program, ["admin", "keyring", "create", str(path)])
    assert done.exit_code == 0
    assert done.stdout == (
        f"{path} holds the key {Keyring.load(path).primary}. "
        "Back it up: without it, the secrets in the database are lost.\n"
    )
    again = CliRunner().invoke(program, ["admin", "keyring", "create", str(path)])
    assert (again.exit_code, again.stderr) == (1, f"{path} exists; its keys may be in use, so it is left as it is.\n")


async def test_a_rotated_keyring_opens_every_secret_with_its_new_key_alone(
    opened_database: str, tmp_path: Path
) -> None:
    path = tmp_path / "keyring.json"
    older = Keyring.create(path)
    world = await makers.world()
    (service,) = await AppService.filter(instance_id=(await makers.instance(world)).id).limit(1)
    variable = Variable(app_service_id=service.id, name="PASSWORD", value=None)
    variable.sealed = older.seal("secret", variable.id)
    await variable.save()
    await Cluster.filter(id=world.cluster.id).update(kubeconfig=older.seal("data", world.cluster.id))
    deployment = await makers.deployment(await Instance.get(id=service.instance_id))
    async with in_transaction() as connection:
        await applied.keep(connection, older, deployment.instance_id, deployment.number, {"web": [{"kind": "Secret"}]})

    done = await asyncio.to_thread(berth, "admin", "keyring", "rotate", str(path), DATABASE_URL=opened_database)
    newer = Keyring.load(path)
    assert (done.stderr, done.stdout) == (
        "", f"{path} has the new key {newer.primary}, and 3 secrets were sealed with it. Back it up.\n",
    )  # fmt: skip
    assert newer.primary not in older.keys
    assert newer.keys.keys() == {older.primary, newer.primary}
    assert path.stat().st_mode & 0o777 == 0o600
    alone = Keyring(newer.primary, {newer.primary: newer.keys[newer.primary]})
    kept = await Variable.get(id=variable.id)
    assert alone.unseal(str(kept.sealed), kept.id) == "secret"
    cluster = await Cluster.get(id=world.cluster.id)
    assert alone.unseal(str(cluster.kubeconfig), cluster.id) == "data"
    assert (await Applied.get(instance_id=service.instance_id)).objects(alone) == [{"kind": "Secret"}]


async def test_a_keyring_that_does_not_open_every_secret_changes_none(opened_database: str, tmp_path: Path) -> None:
    world = await makers.world()
    sealed = Keyring.create(tmp_path / "lost.json").seal("data", world.cluster.id)
    await Cluster.filter(id=world.cluster.id).update(kubeconfig=sealed)
    path = tmp_path / "keyring.json"
    Keyring.create(path)
    done = await asyncio.to_thread(berth, "admin", "keyring", "rotate", str(path), DATABASE_URL=opened_database)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The database holds secrets sealed with ")
    assert (await Cluster.get(id=world.cluster.id)).kubeconfig == sealed


def test_client_commands_say_what_they_need(tmp_path: Path) -> None:
    for arguments in (["task", "tsk_1"], ["catalogue", "import", str(tmp_path)], ["cluster", "register", "one"]):
        done = berth(*arguments, BERTH_URL="", BERTH_TOKEN="")
        assert (done.returncode, done.stderr) == (
            1,
            "Set BERTH_URL to the address of the API (http://127.0.0.1:8000/graphql) and BERTH_TOKEN to a token.\n",
        )

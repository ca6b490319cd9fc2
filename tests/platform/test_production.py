"""The production shape: the files are valid, and the containers' own commands run against PostgreSQL and Valkey."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from command.ports import free
from command.remote import Remote
from command.simulated import Simulated
from command.supervisor import Supervisor
from models.keyring import Keyring
from tests.kit.processes import WITHIN, wait_until

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
TOOLS = Path(sys.executable).parent


def test_the_compose_file_follows_the_specification() -> None:
    check = [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("ok -- validation done\n", 0)


@pytest.mark.skipif(not shutil.which("hadolint", path=TOOLS), reason="hadolint has no wheel for this machine")
def test_the_dockerfile_has_no_finding() -> None:
    done = subprocess.run([TOOLS / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_compose_file_names_what_it_uses() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert volumes <= set(COMPOSE["volumes"])


def test_images_are_pinned_by_version() -> None:
    images = {service["image"] for service in COMPOSE["services"].values()} - {"berth"}
    assert sorted(images) == ["postgres:18.1-bookworm", "rancher/k3s:v1.34.1-k3s1", "valkey/valkey:9.0.0"]


def test_the_image_runs_the_locked_versions_and_not_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001"]
    assert re.findall(r"^ENTRYPOINT (.+)$", text, re.MULTILINE) == ['["berth"]']


def _run(script: str, folder: Path) -> dict[str, str]:
    subprocess.run(["/bin/sh", "-euc", script], cwd=ROOT, check=True, capture_output=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_keys_are_made_once(tmp_path: Path) -> None:
    (script,) = COMPOSE["services"]["keys"]["command"]
    script = script.replace("/keys", str(tmp_path)).replace("$$", "$").replace("berth ", f"{sys.executable} cli.py ")
    script = script.replace("python -c", f"{sys.executable} -c")
    seen, again = [_run(script, tmp_path) for _ in range(2)]
    assert again == seen
    assert sorted(seen) == ["keyring.json", "pgpass", "postgres"]
    assert seen["pgpass"] == f"postgres:5432:berth:berth:{seen['postgres']}\n"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.fixture
def environment(empty_database_url: str, valkey_url: str, tmp_path: Path) -> dict[str, str]:
    keyring = tmp_path / "keyring.json"
    Keyring.create(keyring)
    declared: dict[str, str] = COMPOSE["services"]["api"]["environment"]
    assert sorted(declared) == ["BERTH_ALLOW_PRIVATE_CLUSTERS", "BERTH_KEYRING", "DATABASE_URL", "REDIS_URL"]
    own = {
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": valkey_url,
        "BERTH_KEYRING": str(keyring),
        "BERTH_PORT": str(free("127.0.0.1")),
    }
    return dict(os.environ) | declared | own


class Containers:
    """Runs the commands of the compose file's services as processes of this machine."""

    def __init__(self, environment: dict[str, str], logs: Path) -> None:
        self.environment = environment
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, here: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a service's command; `here` says what its paths and addresses are on this machine."""
        command = COMPOSE["services"][name]["command"]
        for there, mine in (here or {}).items():
            command = [word.replace(there, mine) for word in command]
        with (self.logs / name).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "cli.py", *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self.running[name] = process
        return process

    def said(self, name: str) -> str:
        return (self.logs / name).read_text()


@pytest.fixture
def containers(environment: dict[str, str], tmp_path: Path) -> Iterator[Containers]:
    made = Containers(environment, tmp_path)
    yield made
    for process in made.running.values():
        if process.poll() is None:
            process.kill()
            process.wait()


def status(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return None


def test_the_containers_commands_run(containers: Containers, environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['BERTH_PORT']}"
    assert containers.start("migrate").wait(WITHIN) == 0, containers.said("migrate")
    assert containers.said("migrate").splitlines()[-1].startswith("The database is up to date")
    api, worker = containers.start("api"), containers.start("worker")
    wait_until(lambda: api.poll() is not None or status(f"{url}/readyz") == 200)
    assert status(f"{url}/healthz") == 200, containers.said("api")
    wait_until(lambda: worker.poll() is not None or "the worker is ready" in containers.said("worker"))
    assert worker.poll() is None, containers.said("worker")
    for process in (api, worker):
        process.send_signal(signal.SIGTERM)
    # uvicorn ends itself with the signal that it was told to end with, when it has ended everything else.
    assert [api.wait(WITHIN), worker.wait(WITHIN)] == [-signal.SIGTERM, 0]
    assert "Traceback" not in containers.said("api") + containers.said("worker")


def test_setup_makes_what_is_missing_and_keeps_its_token(
    containers: Containers, environment: dict[str, str], tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{environment['BERTH_PORT']}"
    simulated, supervisor = Simulated(tmp_path / "simulator", "127.0.0.1"), Supervisor(tmp_path, os.environ)
    simulated.start(supervisor)
    kubeconfig = tmp_path / "kubeconfig.yaml"
    kubeconfig.write_text(simulated.kubeconfig().replace(simulated.url, "https://127.0.0.1:6443"))
    here = {
        "http://api:8000/graphql": f"{url}/graphql",
        "/kubeconfig/kubeconfig.yaml": str(kubeconfig),
        "https://k3s:6443": simulated.url,
        "/keys/token": str(tmp_path / "token"),
    }
    try:
        assert containers.start("migrate").wait(WITHIN) == 0, containers.said("migrate")
        api = containers.start("api")
        wait_until(lambda: api.poll() is not None or status(f"{url}/readyz") == 200)
        for _ in range(2):
            assert containers.start("setup", here).wait(WITHIN) == 0, containers.said("setup")
            token = (tmp_path / "token").read_text().strip()
            assert containers.said("setup") == f"GraphiQL: http://127.0.0.1:8000/graphql#token={token}\n"
    finally:
        supervisor.stop()
    document = "{ clusters { nodes { name server } } stacks { nodes { name latestRevision { number } } } }"
    seen = Remote(f"{url}/graphql", token).ask(document)
    assert seen == {
        "clusters": {"nodes": [{"name": "main", "server": simulated.url}]},
        "stacks": {"nodes": [{"name": name, "latestRevision": {"number": 1}} for name in ("shop", "site")]},
    }


def test_an_api_before_the_migrations_is_not_ready(containers: Containers, environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['BERTH_PORT']}"
    api = containers.start("api")
    wait_until(lambda: api.poll() is not None or status(f"{url}/healthz") is not None)
    assert api.poll() is not None or status(f"{url}/readyz") == 503


MISSING = {
    "DATABASE_URL": "Set DATABASE_URL to the address of a PostgreSQL database.",
    "REDIS_URL": "Set REDIS_URL to the address of a Valkey or Redis server.",
    "BERTH_KEYRING": "Set BERTH_KEYRING to the file of encryption keys; `berth admin keyring create FILE` makes one.",
}


@pytest.mark.parametrize(("missing", "sentence"), MISSING.items())
@pytest.mark.parametrize("name", ["api", "worker"])
def test_what_is_not_set_is_said(containers: Containers, name: str, missing: str, sentence: str) -> None:
    containers.environment = {key: value for key, value in containers.environment.items() if key != missing}
    assert containers.start(name).wait(WITHIN) == 1
    assert containers.said(name) == f"{sentence}\n"

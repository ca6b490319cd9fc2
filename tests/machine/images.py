"""Images made by hand, for no registry is reached: a root folder becomes an archive that containerd imports."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

APPLETS = [
    "sh",
    "ls",
    "cat",
    "sleep",
    "date",
    "echo",
    "true",
    "false",
    "seq",
    "httpd",
    "nc",
    "wget",
    "id",
    "env",
    "head",
    "tail",
    "printf",
    "yes",
    "mkdir",
    "touch",
    "rm",
    "test",
    "awk",
    "cut",
    "dd",
    "grep",
    "kill",
    "nslookup",
    "ping",
    "ps",
    "sed",
    "sort",
    "stat",
    "tr",
    "wc",
]


@dataclass(frozen=True, slots=True)
class Image:
    """What containerd is told of an image. names: full, with tags. user: as in a Dockerfile, empty for root."""

    names: tuple[str, ...]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    )


BUSYBOX = Image(
    ("registry.local/busybox:1", "docker.io/library/busybox:1.37.0", "docker.io/library/busybox:1.36.1"),
    command=("/bin/sh",),
)
PAUSE = Image(("registry.local/pause:3.9",), entrypoint=("/bin/sleep", "1000000000"))


def busybox_root(folder: Path) -> None:
    """A root folder with the static busybox of Debian."""
    for name in ("bin", "tmp", "etc", "home"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy2("/bin/busybox", folder / "bin/busybox")
    for applet in APPLETS:
        (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")


def archive(image: Image, root: Path, file: Path) -> None:
    """Writes the archive (the format of `docker save`) of an image with one layer, the root folder."""
    layer = file.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname=".", filter=_owned_as_inside)
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "config": {
            "Env": [f"{name}={value}" for name, value in image.environment.items()],
            "Entrypoint": list(image.entrypoint),
            "Cmd": list(image.command),
            "User": image.user,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": list(image.names), "Layers": ["layer.tar"]}]
    with tarfile.open(file, "w") as tar:
        for name, value in (("config.json", config), ("manifest.json", manifest)):
            content = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        tar.add(layer, arcname="layer.tar")
    layer.unlink()


def _owned_as_inside(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uname = member.gname = ""
    member.mtime = 0
    return member

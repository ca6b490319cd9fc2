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

_NAMED = """
sh ls cat sleep date echo true false seq httpd nc wget id env head tail printf yes mkdir touch rm test
awk chmod chown cp cut dd dirname basename grep kill mv nslookup ping ps sed sort stat su tr wc
"""
APPLETS = _NAMED.split()


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
    busybox_applets(folder)
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")


def busybox_applets(root: Path) -> None:
    """Names its busybox by all of the commands that it can stand for and that the root folder lacks."""
    for applet in APPLETS:
        if not (root / "bin" / applet).is_symlink() and not (root / "bin" / applet).exists():
            (root / "bin" / applet).symlink_to("busybox")


def archive(images: Sequence[Image], root: Path, file: Path) -> None:
    """Writes the archive (the format of `docker save`) of images with one layer in common, the root folder."""
    layer = file.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname=".", filter=_owned_as_inside)
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    configs = {f"config-{number}.json": _config(image, digest) for number, image in enumerate(images)}
    manifest = [
        {"Config": name, "RepoTags": list(image.names), "Layers": ["layer.tar"]}
        for name, image in zip(configs, images, strict=True)
    ]
    with tarfile.open(file, "w") as tar:
        for name, value in [*configs.items(), ("manifest.json", manifest)]:
            text = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
        tar.add(layer, arcname="layer.tar")
    layer.unlink()


def _config(image: Image, digest: str) -> dict[str, object]:
    return {
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


def _owned_as_inside(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uname = member.gname = ""
    member.mtime = 0
    return member

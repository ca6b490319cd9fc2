"""A very small shell, for exec: enough commands to see that a session works, and files that the pod's volumes hold."""

import base64
import shlex
from dataclasses import dataclass, field

from simulator.kinds import CONFIG_MAPS, SECRETS, Object
from simulator.store import Store

COMMANDS = frozenset({"echo", "cat", "env", "exit", "false", "head", "hostname", "ls", "printenv", "sh", "true"})


class CommandNotFoundError(Exception):
    """There is no program of this name in the container."""


@dataclass(slots=True)
class Shell:
    """One container's shell: what it wrote, and whether it was left."""

    store: Store
    pod: Object
    container: Object
    out: list[tuple[int, str]] = field(default_factory=list)
    left: bool = False

    def run(self, words: list[str], stdin: str = "") -> int:
        """Runs one command; its exit code. Raises CommandNotFoundError."""
        name, arguments = words[0].rpartition("/")[2], words[1:]
        match name:
            case "echo":
                self._say(" ".join(arguments) + "\n")
            case "true" | "false":
                return int(name == "false")
            case "exit":
                self.left = True
                return int(arguments[0]) if arguments else 0
            case "hostname":
                self._say(self.pod["metadata"]["name"] + "\n")
            case "env" | "printenv":
                self._say("".join(f"{one['name']}={one.get('value', '')}\n" for one in self.container.get("env") or []))
            case "ls":
                self._say("".join(f"{path}\n" for path in sorted(self._files())))
            case "cat" | "head":
                return self._cat([one for one in arguments if not one.startswith("-")], stdin)
            case "sh":
                return self.script(arguments[1] if arguments[:1] == ["-c"] and arguments[1:] else stdin)
            case _:
                raise CommandNotFoundError(words[0])
        return 0

    def script(self, text: str) -> int:
        """Runs commands separated by semicolons or newlines; the exit code of the last, or of `exit`."""
        code = 0
        for line in text.replace(";", "\n").splitlines():
            words, error = shlex.split(line), False
            if ">&2" in words:
                words.remove(">&2")
                error = True
            if not words:
                continue
            first = len(self.out)
            try:
                code = self.run(words)
            except CommandNotFoundError:
                self.out.append((2, f"sh: {words[0]}: not found\n"))
                code = 127
            if error:
                self.out[first:] = [(2, said) for _, said in self.out[first:]]
            if self.left:
                break
        return code

    def _say(self, text: str) -> None:
        self.out.append((1, text))

    def _cat(self, paths: list[str], stdin: str) -> int:
        if not paths:
            self._say(stdin)
        files = self._files() if paths else {}
        code = 0
        for path in paths:
            if path in files:
                self._say(files[path])
            else:
                self.out.append((2, f"cat: can't open '{path}': No such file or directory\n"))
                code = 1
        return code

    def _files(self) -> dict[str, str]:
        """The files that config maps and secrets put into the container."""
        found = {"/etc/hostname": self.pod["metadata"]["name"] + "\n"}
        volumes = {one["name"]: one for one in self.pod["spec"].get("volumes") or []}
        for mount in self.container.get("volumeMounts") or []:
            for name, text in self._content(volumes.get(mount["name"], {})).items():
                if mount.get("subPath") in {None, name}:
                    path = mount["mountPath"]
                    found[path if "subPath" in mount else f"{path.rstrip('/')}/{name}"] = text
        return found

    def _content(self, volume: Object) -> dict[str, str]:
        namespace = self.pod["metadata"]["namespace"]
        if "configMap" in volume:
            found = self.store.get(CONFIG_MAPS, namespace, volume["configMap"].get("name", ""))
            return dict(found.obj.get("data") or {}) if found else {}
        if "secret" in volume:
            found = self.store.get(SECRETS, namespace, volume["secret"].get("secretName", ""))
            data = (found.obj.get("data") or {}) if found else {}
            return {name: base64.b64decode(text).decode("utf-8", "replace") for name, text in data.items()}
        return {}

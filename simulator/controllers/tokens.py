"""Secrets that ask for a service account's token are filled with one, and go with the account."""

import base64
from collections.abc import Iterable

from simulator.accounts import NAME, TOKEN_TYPE, UID, token
from simulator.controllers.loop import Key, Loop
from simulator.kinds import ACCOUNTS, SECRETS, Object
from simulator.store import Event


class Tokens:
    """Looks after secrets of the type of tokens."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.state = loop, loop.state

    def keys(self, event: Event) -> Iterable[Key]:
        if event.kind is SECRETS and event.type != "DELETED" and event.new.obj.get("type") == TOKEN_TYPE:
            yield event.namespace, event.new.obj["metadata"]["name"]
        elif event.kind is ACCOUNTS and event.type != "MODIFIED":
            for found in self.state.store.objects(SECRETS, event.namespace):
                if found.get("type") == TOKEN_TYPE:
                    yield event.namespace, found["metadata"]["name"]

    def reconcile(self, key: Key) -> None:
        found = self.state.store.get(SECRETS, *key)
        if found is None:
            return
        meta = found.obj["metadata"]
        annotations = meta.get("annotations") or {}
        account = self.state.store.get(ACCOUNTS, key[0], annotations.get(NAME, ""))
        if account is None or annotations.get(UID, account.obj["metadata"]["uid"]) != account.obj["metadata"]["uid"]:
            self.state.cluster.delete(SECRETS, key[0], key[1])
        elif "token" not in (found.obj.get("data") or {}):
            self._fill(key, account.obj["metadata"])

    def _fill(self, key: Key, account: Object) -> None:
        data = {"token": token(self.state, account, secret=key[1]), "namespace": key[0], "ca.crt": ""}

        def edit(current: Object) -> Object:
            made = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
            current["data"] = {**(current.get("data") or {}), **made}
            current["metadata"]["annotations"] = {**current["metadata"]["annotations"], UID: account["uid"]}
            return current

        self.state.cluster.change(SECRETS, key[0], key[1], edit)

"""A Berth somewhere else, reached over HTTP with a token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from command.ending import give_up

_PROBLEMS = "problems { message remedy ... on ManifestInvalid { findings { file line message remedy } } }"


class RemoteError(Exception):
    """The API refused or did not answer; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An address and a token."""

    url: str
    token: str

    def ask(self, document: str, **variables: Any) -> Any:
        """Run an operation and return its data.

        Raises:
            RemoteError: no answer, an answer that is not GraphQL, or errors.
        """
        try:
            answer = httpx.post(
                self.url,
                json={"query": document, "variables": variables},
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Accept": "application/graphql-response+json, application/json",
                },
                timeout=60,
            )
            body = answer.json()
        except httpx.HTTPError as error:
            raise RemoteError(f"{self.url} does not answer: {error}. Check BERTH_URL, and that the API runs.") from None
        except ValueError:
            raise RemoteError(
                f"{self.url} is not a GraphQL API: it answered {answer.status_code}. "
                "Set BERTH_URL to an address like http://127.0.0.1:8000/graphql."
            ) from None
        if errors := body.get("errors"):
            raise RemoteError("\n".join(str(error.get("message")) for error in errors))
        return body["data"]

    def change(self, mutation: str, given: Mapping[str, Any], wanted: str) -> Any:
        """Run a mutation with its input and return its payload, of which `wanted` is selected.

        Raises:
            RemoteError: as `ask`; or the payload holds problems, each with its remedy.
        """
        takes = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = f"mutation Change($input: {takes}!) {{ {mutation}(input: $input) {{ {wanted} {_PROBLEMS} }} }}"
        payload = self.ask(document, input=given)[mutation]
        if problems := payload["problems"]:
            raise RemoteError("\n".join(line for problem in problems for line in _lines(problem)))
        return payload


def _lines(problem: Mapping[str, Any]) -> list[str]:
    found = [f"{one['file']}:{one['line']}: {one['message']} ({one['remedy']})" for one in problem.get("findings", [])]
    return [f"{problem['message']} {problem['remedy']}".rstrip(), *found]


def remote() -> Remote:
    """The Berth that BERTH_URL and BERTH_TOKEN name; ends the program with a sentence when they are not set."""
    url, token = os.environ.get("BERTH_URL", ""), os.environ.get("BERTH_TOKEN", "")
    if not url or not token:
        give_up("Set BERTH_URL to the address of the API (http://127.0.0.1:8000/graphql) and BERTH_TOKEN to a token.")
    return Remote(url, token)

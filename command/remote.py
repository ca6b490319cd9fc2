"""A Berth somewhere else, reached over HTTP with a token."""

import os
from dataclasses import dataclass
from typing import Any

import httpx

from command.ending import give_up


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
            raise RemoteError(f"{self.url} does not answer: {error}") from None
        except ValueError:
            raise RemoteError(f"{self.url} is not a GraphQL API: it answered {answer.status_code}.") from None
        if errors := body.get("errors"):
            raise RemoteError("\n".join(str(error.get("message")) for error in errors))
        return body["data"]

    def change(self, document: str, **variables: Any) -> Any:
        """Run a mutation and return its payload.

        Raises:
            RemoteError: as `ask`; or the payload holds problems, each with its remedy.
        """
        (payload,) = self.ask(document, **variables).values()
        if problems := payload["problems"]:
            raise RemoteError("\n".join(f"{one['message']} {one.get('remedy') or ''}".rstrip() for one in problems))
        return payload


def remote() -> Remote:
    """The Berth that BERTH_URL and BERTH_TOKEN name; ends the program with a sentence when they are not set."""
    url, token = os.environ.get("BERTH_URL", ""), os.environ.get("BERTH_TOKEN", "")
    if not url or not token:
        give_up("Set BERTH_URL to the address of the API (http://127.0.0.1:8000/graphql) and BERTH_TOKEN to a token.")
    return Remote(url, token)

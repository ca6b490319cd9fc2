"""Waiting for a task to end."""

import time

from command.remote import Remote, RemoteError

_TASK = """query Task($id: ID!) {
  node(id: $id) { ... on Task { title state endedAt failure { summary rootCause suggestedActions } } }
}"""


def wait_for_task(remote: Remote, task_id: str, every: float = 0.25) -> None:
    """Wait until a task has ended; its own deadline is the limit.

    Raises:
        RemoteError: it did not end well, with the cause.
    """
    while True:
        task = remote.ask(_TASK, id=task_id)["node"]
        if task is None:
            raise RemoteError(f"There is no task {task_id}, or the token may not see it.")
        if task["endedAt"]:
            break
        time.sleep(every)
    if task["state"] not in ("DONE", "DONE_WITH_WARNINGS"):
        failure = task["failure"] or {"summary": "It says no cause.", "rootCause": "", "suggestedActions": []}
        parts = [f"{task['title']}: {task['state']}.", failure["summary"], failure["rootCause"]]
        raise RemoteError(" ".join(part for part in [*parts, *failure["suggestedActions"]] if part))

"""Waiting for a task to end."""

import time

from command.remote import Remote, RemoteError

_TASK = """query Task($id: ID!) {
  node(id: $id) { ... on Task { title state endedAt failure { summary rootCause suggestedActions } } }
}"""


def wait_for_task(remote: Remote, task_id: str, seconds: float, every: float = 0.2) -> str:
    """Wait for a task's end; returns nothing when it ended well, else what there is to say of it.

    Raises:
        RemoteError: the task is not there for the token.
    """
    deadline = time.monotonic() + seconds
    while True:
        task = remote.ask(_TASK, id=task_id)["node"]
        if task is None:
            raise RemoteError(f"There is no task {task_id}, or the token may not see it.")
        if task["endedAt"]:
            break
        if time.monotonic() > deadline:
            return f"{task['title']}: not done after {seconds:g} seconds; `berth task {task_id}` shows how far it is."
        time.sleep(every)
    if task["state"] in ("DONE", "DONE_WITH_WARNINGS"):
        return ""
    failure = task["failure"] or {"summary": "", "rootCause": "", "suggestedActions": []}
    parts = [f"{task['title']}: {task['state']}.", failure["summary"], failure["rootCause"]]
    return " ".join(part for part in [*parts, *failure["suggestedActions"]] if part)

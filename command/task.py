"""Showing a task, and following it to its end."""

import sys
from typing import Any

from command.ending import give_up
from command.following import Event
from command.following import follow as events
from command.remote import Remote, RemoteError

_TASK = """query Task($id: ID!) {
  node(id: $id) {
    ... on Task {
      id title state
      failure { summary rootCause suggestedActions }
      jobs { title state steps { title state message logs(last: 5) { nodes { level message } } } }
    }
  }
}"""

_STATE = "state failure { summary rootCause evidence suggestedActions }"
_FOLLOW = f"""subscription($id: ID!, $after: String) {{
  taskEvents(id: $id, after: $after) {{
    __typename
    ... on TaskSnapshot {{
      cursor task {{ title progress endedAt {_STATE} jobs {{ steps {{ title state message }} }} }}
    }}
    ... on StepChanged {{ cursor at title stepState message progress }}
    ... on StepLogged {{ cursor at level lines }}
    ... on TaskStateChanged {{ cursor at state }}
    ... on TaskEnded {{ cursor at {_STATE} warnings }}
    ... on StreamEnded {{ cursor endReason retryable }}
  }}
}}"""


def follow(remote: Remote, task_id: str) -> None:
    """Print every change of a task until it has ended; status 1 when it did not end well."""
    try:
        for event in events(remote, _FOLLOW, {"id": task_id, "after": None}):
            print("\n".join(_told(event)), end="\n" if _told(event) else "", flush=True)
            ended = event["task"] if event["__typename"] == "TaskSnapshot" else event
            if event["__typename"] == "TaskEnded" or (ended or {}).get("endedAt"):
                sys.exit(0 if ended["state"] in ("DONE", "DONE_WITH_WARNINGS") else 1)
    except RemoteError as error:
        give_up(error)
    give_up("The task cannot be followed any more.")


def _told(event: Event) -> list[str]:
    match event["__typename"]:
        case "TaskSnapshot":
            task = event["task"]
            steps = [step for job in task["jobs"] for step in job["steps"] if step["state"] != "PENDING"]
            return [
                f"{task['state']:<12} {task['progress']:>3} %  {task['title']}",
                *(_step(step["state"], None, step["title"], step["message"]) for step in steps),
                *(_failed(task) if task["endedAt"] else []),
            ]
        case "StepChanged":
            return [_step(event["stepState"], event["progress"], event["title"], event["message"])]
        case "StepLogged":
            return [f"{event['level']:<12}        {line}" for line in event["lines"]]
        case "TaskStateChanged":
            return [f"{event['state']:<12}"]
        case "TaskEnded":
            return [f"{event['state']:<12}", *(f"WARNING      {one}" for one in event["warnings"]), *_failed(event)]
    return []


def _step(state: str, progress: int | None, title: str, message: str) -> str:
    share = "     " if progress is None else f"{progress:>3} %"
    return f"{state:<12} {share}  {title}{': ' if message else ''}{message}"


def _failed(task: dict[str, Any]) -> list[str]:
    if not (failure := task["failure"]):
        return []
    parts = (failure["summary"], failure["rootCause"], *failure["evidence"], *failure["suggestedActions"])
    return ["", *filter(None, parts)]


def show(remote: Remote, task_id: str) -> None:
    """Print a task: its state, its steps, the last lines of each, and the cause when it failed."""
    try:
        task = remote.ask(_TASK, id=task_id)["node"]
    except RemoteError as error:
        give_up(error)
    if not task:
        give_up(f"There is no task {task_id}, or the token may not see it.")
    print("\n".join(_lines(task)))


def _lines(task: dict[str, Any]) -> list[str]:
    lines = [f"{task['state']:<12} {task['title']}"]
    for job in task["jobs"]:
        lines.append(f"  {job['state']:<12} {job['title']}")
        for step in job["steps"]:
            said = f": {step['message']}" if step["message"] else ""
            lines.append(f"    {step['state']:<12} {step['title']}{said}")
            lines += [f"      {line['level']:<8} {line['message']}" for line in step["logs"]["nodes"]]
    if failure := task["failure"]:
        lines += ["", failure["summary"], failure["rootCause"], *failure["suggestedActions"]]
    return [line for line in lines if line is not None]

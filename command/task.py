"""Showing a task."""

from typing import Any

from command.ending import give_up
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

"""When all is quiet: whether what must be true is, and how the tasks ended."""

import time
from contextlib import suppress

from command.remote import RemoteError
from tests.kit.session import Session
from tests.kit.site import Site

QUIET_WITHIN = 240.0
_ENDS = "SELECT kind, state, count(*) AS count FROM task GROUP BY kind, state ORDER BY kind, state"
_LONGEST = """
SELECT max(extract(epoch FROM ended_at - created_at))::float8 AS longest, max(attempt) AS attempts, count(*) AS count,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at))::float8 AS middle
FROM task
"""
_FAILURES = """
SELECT failure->>'code' AS code, count(*) AS count FROM task WHERE state IN ('FAILED', 'TIMED_OUT')
GROUP BY 1 ORDER BY 2
"""
_ACTIVE = "SELECT count(*) AS count FROM task WHERE ended_at IS NULL"
_STUCK = """
SELECT count(*) AS count FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND now() - xact_start > interval '10 seconds'
"""
_LEFT = "SELECT id FROM instance WHERE deleted_at IS NULL AND state <> 'DELETING'"


class Verdict:
    """Looks at a site whose troubles have ended."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._seconds = 0.0

    def when_quiet(self) -> list[str]:
        """Waits until every task has ended and all is true, at most four minutes; what is not true then."""
        began = time.monotonic()
        wrong = self._settled()
        self._seconds = time.monotonic() - began
        return wrong

    def when_all_is_deleted(self) -> list[str]:
        """Deletes every instance; what is there that must not be."""
        session = Session(self._site.database_url)
        try:
            for row in session.rows(_LEFT):
                with suppress(RemoteError):  # one that goes already
                    self._site.berth.change("deleteInstance", {"id": row["id"]})
            wrong = self._settled()
            left = session.rows("SELECT name, state FROM instance WHERE deleted_at IS NULL")
            wrong += [f"{row['name']} is still there: {row['state']}" for row in left]
            return wrong
        finally:
            session.close()

    def told(self) -> list[str]:
        session = Session(self._site.database_url)
        try:
            ends = [f"{row['kind']} {row['state']} {row['count']}" for row in session.rows(_ENDS)]
            failures = [f"{row['code']} {row['count']}" for row in session.rows(_FAILURES)]
            (row,) = session.rows(_LONGEST)
        finally:
            session.close()
        return [
            f"quiet {self._seconds:.1f} s after the last trouble",
            f"{row['count']} tasks, to the end {row['middle']:.1f} s in the middle and {row['longest']:.1f} s at the "
            f"longest, at most {row['attempts']} attempts",
            f"tasks: {', '.join(ends)}",
            f"failures: {', '.join(failures) or 'none'}",
        ]

    def _settled(self) -> list[str]:
        deadline = time.monotonic() + QUIET_WITHIN
        session = Session(self._site.database_url)
        try:
            while session.rows(_ACTIVE)[0]["count"] and time.monotonic() < deadline:
                time.sleep(0.5)
            while (wrong := self._site.violations()) and time.monotonic() < deadline:
                time.sleep(1.0)
            stuck = session.rows(_STUCK)[0]["count"]
            return wrong + ([f"{stuck} transactions are open for more than ten seconds"] if stuck else [])
        finally:
            session.close()

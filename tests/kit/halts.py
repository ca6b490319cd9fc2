"""Workers stopped at a place that a test names: a step's work is done, and is about to be written down as done.

The database makes them wait there: a trigger asks for a lock that the test holds.
"""

import time

from tests.kit.session import Session

_TRIGGER = """
CREATE TABLE halting (step text PRIMARY KEY, key serial);
CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_advisory_xact_lock_shared(key) FROM halting WHERE step = NEW.name;
  RETURN NEW;
END $$;
CREATE TRIGGER halt BEFORE UPDATE OF state ON step FOR EACH ROW WHEN (NEW.state = 'DONE') EXECUTE FUNCTION halt();
"""
_WAITING = """
SELECT t.worker FROM halting h
JOIN pg_locks l ON l.locktype = 'advisory' AND l.objid = h.key AND NOT l.granted
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
JOIN step s ON s.name = h.step JOIN task t ON t.id = s.task_id AND t.ended_at IS NULL
WHERE h.step = $1
"""
WITHIN = 60.0


class Halts:
    """Halts in one database, whose address is given."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = Session(url)
        self._session.run(_TRIGGER)

    def at(self, step: str) -> None:
        """From now on whoever has done this step waits."""
        ((key,),) = [row.values() for row in self._session.rows("SELECT nextval('halting_key_seq')")]
        self._session.rows("SELECT pg_advisory_lock($1)", key)
        self._session.rows("INSERT INTO halting VALUES ($1, $2)", step, key)

    def reached(self, step: str) -> int:
        """Waits until a worker waits there; its process id. Fails after a minute."""
        deadline = time.monotonic() + WITHIN
        while not (found := self._session.rows(_WAITING, step)):
            assert time.monotonic() < deadline, f"no worker has done {step}"
            time.sleep(0.02)
        return int(found[0]["worker"].rpartition(":")[2])

    def release(self, step: str) -> None:
        """Whoever waits there goes on."""
        self._session.rows("SELECT pg_advisory_unlock(key) FROM halting WHERE step = $1", step)
        self._session.rows("DELETE FROM halting WHERE step = $1", step)

    def close(self) -> None:
        """Lets all go on, also after the database was restarted, and leaves nothing behind."""
        self._session.close()
        cleaning = Session(self._url)
        cleaning.run("DROP FUNCTION halt CASCADE; DROP TABLE halting")
        cleaning.close()

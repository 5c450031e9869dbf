"""Runs that have something to do and no job that anybody will take, found in one statement.

A job counts that waits in the queue of a class, or in that of a living server; and one that is
under way, while its worker and the server that has the run live. Whatever was lost is found so: a
job that was deleted, a server that died with its jobs, a database that came back from a copy.
"""

import sqlalchemy as sa

_ALIVE = "lease_until > extract(epoch from clock_timestamp())"

HEARTBEAT_SECONDS = 30.0
"""After so long without a sign of its worker a job is taken for lost; there is one each 10 s."""

_LOST = f"""
select r.id, r.queue, r.server, s.id is not null as lives
from runs r
left join servers s on s.id = r.server and s.{_ALIVE}
where (r.status = 'running' or (r.status = 'queued' and r.due_at is null and {{queued}}))
and not exists (
    select from procrastinate_jobs j
    left join servers t on j.queue_name = 'srv:' || t.id and t.{_ALIVE}
    left join procrastinate_workers w on w.id = j.worker_id
        and w.last_heartbeat > now() - interval '{HEARTBEAT_SECONDS} s'
    where j.args ->> 'run' = r.id
    and (
        (j.status = 'todo' and (j.queue_name not like 'srv:%' or t.id is not null))
        or (j.status = 'doing' and s.id is not null and w.id is not null)
    )
)
limit 1000
"""  # noqa: S608 (nothing in it comes from outside)

LOST = sa.text(_LOST.format(queued="true"))

LOST_AT_ONCE = sa.text(_LOST.format(queued="r.flow is null and r.started_by is null"))
"""But for those that may wait for a place, in their flow or among those that one run has started:
they are looked at less often, for most of them find none.
"""

STRANDED = sa.text(
    f"""
    delete from procrastinate_jobs j
    where j.status = 'todo' and j.queue_name like 'srv:%'
    and not exists (select from servers t where j.queue_name = 'srv:' || t.id and t.{_ALIVE})
    """  # noqa: S608
)
"""Jobs for servers that are gone. Their runs have none then, and are found."""

"""The tables of Procrastinate, made by whichever server comes first."""

import threading

import sqlalchemy as sa

from jupyter_flows.jobs import schema
from jupyter_flows.store.engine import open_engine


def test_servers_that_start_together_make_them_once(postgres_url):
    engine = open_engine(postgres_url)
    together, failed = threading.Barrier(3), []

    def start():
        try:
            with engine.begin() as connection:
                assert not schema._is_there(connection)
                together.wait()
                schema.ensure(connection)
        except sa.exc.DBAPIError as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with engine.begin() as connection:
        count = sa.text("select count(*) from pg_class where relname = 'procrastinate_jobs'")
        assert connection.execute(count).scalar() == 1
    engine.dispose()

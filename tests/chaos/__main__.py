"""`python -m tests.chaos`: the faults for as long as one likes, and the table of what they did."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos import network, scenarios
from tests.postgres import NoPostgresError, Postgres

SHARED = {
    "anything": scenarios.anything,
    "kills": scenarios.kills,
    "sleepers": scenarios.sleepers,
    "mixed": scenarios.mixed,
    "away": scenarios.away,
    "network": network.lost,
}


def options():
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SHARED, "alone", []], default=["anything"])
    parser.add_argument("--seconds", type=float, help="how long the faults go on")
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--runs", type=int, help="how many at a time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--swallowed", action="store_true", help="away: without a reset")
    parser.add_argument("--stop", action="store_true", help="away: PostgreSQL itself is stopped")
    return parser.parse_args()


def main():
    """0 where nothing was wrong."""
    said = options()
    try:
        postgres = Postgres()
    except NoPostgresError as error:
        sys.exit(str(error))
    reports = []
    try:
        for name in said.scenario:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                reports.append(_played(name, Path(folder), postgres, said))
            sys.stdout.write(f"{reports[-1]}\n")
            sys.stdout.flush()
    finally:
        postgres.end()
    sys.exit(any(report.wrong for report in reports))


def _played(name, folder, postgres, said):
    given = {"seed": said.seed}
    given |= {} if said.runs is None else {"runs": said.runs}
    if name == "alone":
        return scenarios.alone(folder, **given)
    given["servers"] = said.servers
    if said.seconds is not None and name != "mixed":
        given["seconds"] = said.seconds
    if name == "away":
        given |= {"swallowed": said.swallowed, "stop": said.stop}
    return SHARED[name](folder, postgres, **given)


if __name__ == "__main__":
    main()

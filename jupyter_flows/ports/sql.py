"""Databases of SQL."""

from typing import Protocol

from jupyter_flows.core.model import Json
from jupyter_flows.core.sql import Script


class Databases(Protocol):
    async def run(self, script: Script) -> Json:
        """What its collection says of its rows. Raises BadInput for what the database refuses and
        for what takes too long, NotOffered where no database is installed, Unavailable.
        """

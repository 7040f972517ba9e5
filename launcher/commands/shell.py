"""Open psql on the database, with all words passed on: shell [-c "select 1"]."""

import os

from launcher.addresses import DATABASE
from launcher.home import default_home
from launcher.ports import LOOPBACK, accepts
from launcher.postgres import SUPERUSER, binaries
from launcher.trouble import Trouble


def run(words: list[str]) -> int:
    """Become psql, as the database's superuser."""
    home = default_home()
    psql = str(binaries() / "psql")
    given = os.environ.get("RAPPORT_DATABASE_URL")
    if given:
        os.execv(psql, [psql, given, *words])
    port = home.known_ports().get("postgres")
    if port is None or not accepts(port):
        raise Trouble("The database is not up.", "`./rapport up` starts it.")
    where = ["-h", LOOPBACK, "-p", str(port), "-U", SUPERUSER, "-d", DATABASE]
    os.execve(psql, [psql, *where, *words], {**os.environ, "PGPASSWORD": home.secrets().postgres})

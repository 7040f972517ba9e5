"""Where the database, the bus and the services are, and with which user each service goes there."""

import os
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from launcher.home import Secrets
from launcher.ports import LOOPBACK
from launcher.postgres import SUPERUSER
from launcher.trouble import Trouble

DATABASE = "rapport"


@dataclass(frozen=True)
class Addresses:
    """The addresses of one running system; `embedded_...` say which servers we start ourselves."""

    ports: dict[str, int]
    secrets: Secrets
    external_database: str | None
    external_nats: str | None

    @property
    def admin_database(self) -> str:
        """The database with a user that may create roles."""
        if self.external_database is not None:
            return self.external_database
        password = quote(self.secrets.postgres, safe="")
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{self.ports['postgres']}/{DATABASE}"

    @property
    def nats(self) -> str:
        """The bus, without a user unless the environment's address names one."""
        return self.external_nats or f"nats://{LOOPBACK}:{self.ports['nats']}"

    def database(self, service: str, role: str) -> str:
        """The database with the service's own role: owner, app or worker."""
        address = urlsplit(self.admin_database)
        user = f"{service}_{role}"
        secret = quote(self.secrets.roles[user], safe="")
        host = address.netloc.rpartition("@")[2]
        return SplitResult(
            address.scheme, f"{user}:{secret}@{host}", address.path, address.query, address.fragment
        ).geturl()

    def service(self, name: str) -> str:
        """The service's own HTTP address."""
        return f"http://{LOOPBACK}:{self.ports[name]}"


def external(variable: str, schemes: tuple[str, ...]) -> str | None:
    """Read the address of a server that somebody else runs; raises Trouble when it is not one."""
    text = os.environ.get(variable)
    if not text:
        return None
    if urlsplit(text).scheme not in schemes or not urlsplit(text).hostname:
        raise Trouble(f"{variable} is not an address.", f"It should look like {schemes[0]}://user:password@host/.")
    return text

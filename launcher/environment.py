"""The environment each service gets: its own users and secrets, the addresses of all."""

import os

from launcher.addresses import Addresses
from launcher.home import PROJECT, Home
from launcher.nats_permissions import SERVICES
from libs.common.access.keys import key_hash

# glibc gives every thread an arena of its own; two keep a service's idle memory small.
FEW_ARENAS = "2"


def common_environment(home: Home, addresses: Addresses, mode: str) -> dict[str, str]:
    """Give what all services get."""
    shared = {f"RAPPORT_{service.upper()}_URL": addresses.service(service) for service in SERVICES}
    return {
        **inherited(),
        **shared,
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": FEW_ARENAS,
        "RAPPORT_MODE": mode,
        "RAPPORT_DATA_DIR": str(home.root),
        "RAPPORT_NATS_URL": addresses.nats,
        "RAPPORT_MASTER_KEY": addresses.secrets.master_key,
        "RAPPORT_SERVICE_SECRET": addresses.secrets.service_secret,
    }


def service_environment(service: str, home: Home, addresses: Addresses, mode: str) -> dict[str, str]:
    """Give one service its environment."""
    prefix = service.upper()
    own = {
        f"{prefix}_DATABASE_URL": addresses.database(service, "app"),
        f"{prefix}_WORKER_DATABASE_URL": addresses.database(service, "worker"),
        f"{prefix}_PORT": str(addresses.ports[service]),
    }
    if service == "identity":
        own["IDENTITY_ADMIN_KEY_HASH"] = key_hash(addresses.secrets.admin_key).hex()
    if addresses.external_nats is None:
        own[f"{prefix}_NATS_USER"] = service
        own[f"{prefix}_NATS_PASSWORD"] = addresses.secrets.nats[service]
    return {**common_environment(home, addresses, mode), **own}


def migration_environment(home: Home, addresses: Addresses, mode: str) -> dict[str, str]:
    """Give the migrations the administrator's address and the passwords of the roles they make."""
    passwords = {f"{role.upper()}_PASSWORD": secret for role, secret in addresses.secrets.roles.items()}
    return {
        **common_environment(home, addresses, mode),
        **passwords,
        "RAPPORT_ADMIN_DATABASE_URL": addresses.admin_database,
    }


def inherited() -> dict[str, str]:
    """Give our own environment without what would send a child elsewhere: database and Python settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "PYTHONHOME", "PYTHONSTARTUP")) and name != "RAPPORT_DATABASE_URL"
    }

"""The configuration of a NATS server of one's own: `python -m launcher.nats_file > k8s/base/nats.conf`.

The same users and rights as the embedded server has; passwords come from the environment (IDENTITY_NATS_PASSWORD ...).
"""

import json
import re

from launcher.nats import ROOT, USERS, render_users
from launcher.nats_permissions import SERVICES, durables_of

HEAD = """\
# Written by `python -m launcher.nats_file`; write it anew after adding a subscriber.
# Passwords come from the environment and must begin with a letter: NATS reads a value of digits as a number.
"""


def variable(user: str) -> str:
    """Give the environment variable of a user's password."""
    return f"{user.upper()}_NATS_PASSWORD"


def nats_file() -> str:
    """Render the file."""
    durables = {service: durables_of(ROOT, service) for service in SERVICES}
    users = render_users({user: f"${variable(user)}" for user in USERS}, durables)
    configuration = {
        "listen": "0.0.0.0:4222",
        "http": "0.0.0.0:8222",
        "jetstream": {"store_dir": "/data/jetstream", "sync_interval": "1s"},
        "accounts": {"RAPPORT": {"jetstream": "enabled", "users": users}},
    }
    # A variable is read only outside quotation marks.
    return HEAD + re.sub(r'"(\$[A-Z_]+)"', r"\1", json.dumps(configuration, indent=2)) + "\n"


if __name__ == "__main__":
    print(nats_file(), end="")

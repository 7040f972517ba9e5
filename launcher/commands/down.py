"""Stop everything that `up` started: down."""

import signal

from launcher import pid_files, process
from launcher.home import default_home
from launcher.supervisor import running_supervisor

LONGEST_STOP_SECONDS = 180.0


def run(_words: list[str]) -> int:
    """Ask the supervisor to stop and wait for it; without one, stop what a killed one left."""
    home = default_home()
    supervisor = running_supervisor(home)
    if supervisor is None:
        left = pid_files.end_orphans(home.pids)
        print(f"Stopped what was left running: {', '.join(left)}." if left else "Rapport is not up.")
        return 0
    process.end(supervisor, signal.SIGTERM, LONGEST_STOP_SECONDS)
    pid_files.end_orphans(home.pids)
    print("Rapport is down.")
    return 0

"""Look for what would keep the system from running, with what to do about it: doctor."""

from launcher.diagnoses import DIAGNOSES
from launcher.home import default_home


def run(_words: list[str]) -> int:
    """Print a line for each diagnosis; exit status 1 when one is bad."""
    home = default_home()
    bad = 0
    for name, diagnose in DIAGNOSES.items():
        finding = diagnose(home)
        bad += not finding.good
        print(f"{'ok ' if finding.good else 'BAD'} {name:<16} {finding.said}")
    print("Nothing stands in the way." if not bad else f"{bad} to put right.")
    return 1 if bad else 0

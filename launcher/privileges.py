"""How root starts a server that refuses to run as root, without creating users or changing foreign folders."""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launcher.trouble import Trouble

ROOT = 0
NOBODY = 65534
KEEP = -1


@dataclass(frozen=True)
class Privileges:
    """The user to become, the words to put before the command, and who must own the server's files."""

    user: int = KEEP
    prefix: tuple[str, ...] = ()
    owner: int = KEEP

    def hand_over(self, directory: Path) -> None:
        """Give a directory, with all in it, to the user that the server runs as."""
        if self.owner == KEEP or directory.stat().st_uid == self.owner:
            return
        for folder, _, files in os.walk(directory, topdown=False):
            for file in files:
                os.chown(Path(folder, file), self.owner, self.owner, follow_symlinks=False)
            os.chown(folder, self.owner, self.owner)


AS_WE_ARE = Privileges()
AS_NOBODY = Privileges(user=NOBODY, owner=NOBODY)
IN_OWN_NAMESPACE = Privileges(prefix=("unshare", "-U", "--map-user=1000", "--map-group=1000"), owner=ROOT)
# Nobody with the right to pass folders: for containers that forbid user namespaces and work below a closed home.
AS_NOBODY_WITH_PASSAGE = Privileges(
    prefix=(
        "setpriv",
        "--pdeathsig=INT",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ),
    owner=NOBODY,
)


def choose_privileges(paths: list[Path]) -> Privileges:
    """Choose how a server that refuses root can use all these paths.

    Raises Trouble when nothing works here.
    """
    if os.geteuid() != ROOT:
        return AS_WE_ARE
    if all(open_to_all(path) for path in paths):
        return AS_NOBODY
    for choice in (IN_OWN_NAMESPACE, AS_NOBODY_WITH_PASSAGE):
        if works(choice):
            return choice
    closed = next(path for path in paths if not open_to_all(path))
    raise Trouble(
        f"PostgreSQL does not run as root, and user nobody may not enter {closed}.",
        "Start as an ordinary user, or move the project and RAPPORT_HOME to a folder that all may enter.",
    )


def open_to_all(path: Path) -> bool:
    """Say whether every existing folder above the path may be entered by any user."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents if folder.exists())


def works(choice: Privileges) -> bool:
    """Say whether this machine lets us start a program in that way."""
    if not choice.prefix:
        return True
    if shutil.which(choice.prefix[0]) is None:
        return False
    return subprocess.run([*choice.prefix, "true"], capture_output=True, check=False).returncode == 0

"""Run a program so that it dies with its parent, as another user if asked.

Called as `python -I -S trampoline.py PARENT_PID DEATH_SIGNAL USER PROGRAM ARGUMENTS...`; USER -1 keeps the user.
A small program of its own because setting the death signal in a forked Python that has threads may dead-lock.
"""

import ctypes
import os
import sys

SET_PARENT_DEATH_SIGNAL = 1


def main(arguments: list[str]) -> None:
    """Become the program; return only when the parent is already gone."""
    parent, death_signal, user = (int(argument) for argument in arguments[:3])
    program = arguments[3:]
    control = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    if user >= 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if control is not None:
        # After the change of user, which clears the death signal.
        control(SET_PARENT_DEATH_SIGNAL, death_signal, 0, 0, 0)
    if os.getppid() == parent:
        os.execvp(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])

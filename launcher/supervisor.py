"""The supervisor: starts stages of programs in order, keeps them running, stops them in reverse."""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import IO

from launcher import pid_files, process
from launcher.child import Child
from launcher.files import write_text
from launcher.home import Home
from launcher.log_files import rotate
from launcher.program import Program, Step
from launcher.trouble import Trouble

ROTATE_EVERY_SECONDS = 30.0
LOCK_ATTEMPTS = 5

Stage = Sequence[Program | Step]


class Supervisor:
    """Runs stages on a data directory that it holds locked; the members of a stage start side by side."""

    def __init__(self, home: Home, stages: Sequence[Stage], tell: Callable[[str], None]) -> None:
        self.home = home
        self.stages = stages
        self.tell = tell
        programs = [part for stage in stages for part in stage if isinstance(part, Program)]
        self.children = {program.name: Child(program, home, tell, self._write_state) for program in programs}
        self._lock: IO[str] | None = None
        self._rotation: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start everything; what was started is stopped again when something does not start."""
        self._lock = take_lock(self.home)
        try:
            for name in await asyncio.to_thread(pid_files.end_orphans, self.home.pids):
                self.tell(f"{name} was left running by an earlier start; it has been stopped.")
            for stage in self.stages:
                await self._start_stage(stage)
        except BaseException:
            await self.stop()
            raise
        self._rotation = asyncio.create_task(self._rotate_logs(), name="rotate logs")

    async def stop(self) -> None:
        """Stop everything, the last stage first; the members of a stage stop side by side, as they started."""
        if self._rotation is not None:
            self._rotation.cancel()
        for stage in reversed(self.stages):
            stops = [self.children[part.name].stop() for part in stage if isinstance(part, Program)]
            await asyncio.gather(*stops)
        self.home.state.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _start_stage(self, stage: Stage) -> None:
        starts = [asyncio.create_task(self._start_part(part)) for part in stage]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            raise

    async def _start_part(self, part: Program | Step) -> None:
        if isinstance(part, Program):
            await self.children[part.name].start()
        else:
            await part.run()

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_EVERY_SECONDS)
            for log in self.home.logs.glob("*.log"):
                await asyncio.to_thread(rotate, log)

    def _write_state(self) -> None:
        state = {
            name: {
                "pid": child.pid,
                "state": child.state,
                "restarts": child.restarts,
                "address": child.program.address,
                "ready_after_seconds": child.ready_after_seconds,
            }
            for name, child in self.children.items()
        }
        write_text(self.home.state, json.dumps({"supervisor": os.getpid(), "programs": state}, indent=2))


def take_lock(home: Home) -> IO[str]:
    """Hold the data directory for this process; raises Trouble when another holds it. Gone with the process."""
    home.make()
    lock = home.lock.open("a+")
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            # `status` may be looking at this very moment.
            time.sleep(0.05)
    else:
        lock.close()
        raise Trouble(f"Rapport already runs on {home.root}.", "`./rapport status` shows it.")
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def running_supervisor(home: Home) -> int | None:
    """Give the pid of the supervisor that holds the data directory."""
    try:
        with home.lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = lock.read().strip()
                return int(text) if text.isdigit() and process.is_alive(int(text)) else None
    except OSError:
        # No data directory of ours: nothing runs on it.
        return None
    return None

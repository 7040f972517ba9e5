"""One program kept running: started, watched, started again with growing pauses, and stopped."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Literal

from launcher import pid_files
from launcher.files import last_line
from launcher.home import Home
from launcher.program import Program
from launcher.trouble import Trouble

State = Literal["stopped", "starting", "ready", "waiting"]

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
POLL_SECONDS = 0.02


class Child:
    """Runs a program; `tell` gets one line for what the operator should know, `changed` is called at each new state."""

    def __init__(self, program: Program, home: Home, tell: Callable[[str], None], changed: Callable[[], None]) -> None:
        self.program = program
        self.state: State = "stopped"
        self.restarts = 0
        self.pid: int | None = None
        self.ready_after_seconds: float | None = None
        """How long the last start took."""
        self._home = home
        self._tell = tell
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._serves = asyncio.Event()
        self._launched_at = 0.0

    async def start(self) -> None:
        """Start the program, wait until it serves, and from then on keep it running.

        Raises Trouble when it ends before, or does not serve in time.
        """
        await self._launch()
        try:
            await self._until_ready()
        except BaseException:
            await self._end_process()
            raise
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def stop(self) -> None:
        """Stop the program in its own way and no longer start it again."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        await self._end_process()
        self._become("stopped")

    def send(self, word: signal.Signals) -> None:
        """Send the process a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(word)

    async def kill(self, word: signal.Signals) -> None:
        """Send the process a signal it dies of, and wait until it has gone; it will be started again."""
        if self._process is not None:
            self.send(word)
            await self._process.wait()
            self._become("waiting")

    async def until_ready(self) -> None:
        """Wait until the program serves, also after it was started again."""
        await self._serves.wait()

    async def _launch(self) -> None:
        program = self.program
        self._launched_at = asyncio.get_running_loop().time()
        await asyncio.to_thread(program.prepare)
        with self._home.log(program.name).open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *program.command(),
                env=dict(program.environment),
                cwd=program.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C on the terminal reaches only us; we stop the others in order.
                process_group=0,
            )
        self.pid = self._process.pid
        pid_files.remember(self._home.pids, program.name, self._process.pid)
        self._become("starting")

    async def _until_ready(self) -> None:
        process = self._process
        assert process is not None  # noqa: S101 - only called after _launch
        limit = self.program.ready_seconds
        try:
            async with asyncio.timeout(limit):
                while not await self.program.is_ready(process.pid):
                    if process.returncode is not None:
                        raise Trouble(
                            f"{self.program.name} did not start: {last_line(self._home.log(self.program.name))}",
                            f"See {self._home.log(self.program.name)}.",
                        )
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise Trouble(
                f"{self.program.name} was not ready after {limit:.0f} s.", f"See {self._home.log(self.program.name)}."
            ) from None
        self.ready_after_seconds = round(asyncio.get_running_loop().time() - self._launched_at, 2)
        self._become("ready")

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            how = await self._ended()
            if loop.time() - since > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._become("waiting")
            self.restarts += 1
            self._tell(f"{self.program.name} ended ({how}); starting it again in {pause:g} s.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            try:
                await self._launch()
                await self._until_ready()
                self._tell(f"{self.program.name} is back.")
            except (Trouble, OSError) as trouble:
                self._tell(f"{self.program.name} could not be started again: {trouble}")
                await self._end_process()

    async def _ended(self) -> str:
        process = self._process
        assert process is not None  # noqa: S101 - only called after _launch
        code = await process.wait()
        self.pid = None
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    async def _end_process(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            for word in (self.program.stop_signal, self.program.last_signal, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(word)
                try:
                    async with asyncio.timeout(self.program.stop_seconds):
                        await process.wait()
                    break
                except TimeoutError:
                    self._tell(f"{self.program.name} does not stop on {word.name}.")
        self.pid = None
        pid_files.forget(self._home.pids, self.program.name)

    def _become(self, state: State) -> None:
        self.state = state
        if state == "ready":
            self._serves.set()
        else:
            self._serves.clear()
        self._changed()

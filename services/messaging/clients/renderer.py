"""A pool of sandbox processes: what exceeds its time or memory is killed, the rest of its batch goes on elsewhere."""

import asyncio
import contextlib
import os
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from services.messaging.clients.render_process import RenderItem, RenderRequest
from services.messaging.domain.template import Part, Rendering

WALL_SECONDS = 2.0 if hasattr(signal, "setitimer") else 0.25
"""The last resort. What ends a bomb is its processor time: that a machine is busy elsewhere is no template's fault."""
_START_SECONDS = 10.0
_ROOT = Path(__file__).parents[3]
_KILLED = Rendering(problem_kind="limit", problem="the template took too long or too much memory")
_EMPTY = msgspec.Raw(msgspec.msgpack.encode({}))
_UNREADABLE = Rendering(problem_kind="data", problem="a value that cannot be given to a template")
_decode = msgspec.msgpack.Decoder(Rendering).decode


def _packed(data: dict[str, Any]) -> msgspec.Raw | None:
    """Return the data as the sandbox reads it; None for what it cannot hold, so that only this message is lost."""
    try:
        return msgspec.Raw(msgspec.msgpack.encode(data))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


class _Sandbox:
    """One process; used by one batch at a time."""

    def __init__(
        self, process: asyncio.subprocess.Process, requests: asyncio.StreamWriter, answers: asyncio.StreamReader
    ) -> None:
        self.process = process
        self.requests = requests
        self.answers = answers

    @classmethod
    async def start(cls) -> "_Sandbox":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-s",
            "-m",
            "services.messaging.clients.render_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=_ROOT,
            # An environment of its own: no secret of the service may be readable from a template's process.
            env={"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"},
            close_fds=True,
            limit=2**22,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the sandbox process has no pipes")
        sandbox = cls(process, process.stdin, process.stdout)
        await sandbox.ask(RenderRequest([], []))
        return sandbox

    async def ask(self, request: RenderRequest) -> None:
        payload = msgspec.msgpack.encode(request)
        self.requests.write(struct.pack("!I", len(payload)) + payload)
        await self.requests.drain()

    async def answer(self, timeout_seconds: float) -> Rendering | None:
        """Return the next answer; None when the process had to be killed or died."""
        try:
            async with asyncio.timeout(timeout_seconds):
                head = await self.answers.readexactly(4)
                return _decode(await self.answers.readexactly(struct.unpack("!I", head)[0]))
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return None

    @property
    def ran_out(self) -> bool:
        """Return whether the process ended itself because an item used up its processor time."""
        return self.process.returncode == -getattr(signal, "SIGPROF", 0)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            # One that hung up is already ending: its own exit status tells why.
            async with asyncio.timeout(0.05 if self.answers.at_eof() else 0):
                await self.process.wait()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()


class Renderer:
    """Renders batches in sandbox processes; keeps `size` warm and one spare, so that a kill delays nobody."""

    def __init__(self, size: int = 2, wall_seconds: float = WALL_SECONDS) -> None:
        self._free: asyncio.Queue[_Sandbox] = asyncio.Queue()
        self._size = size + 1
        self._wall_seconds = wall_seconds
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        self.killed_total = 0

    async def open(self) -> None:
        """Start the processes and let each answer once, so that the first message does not pay for the start."""
        await asyncio.gather(*(self._add() for _ in range(self._size)))

    async def _add(self) -> None:
        sandbox = await _Sandbox.start()
        await sandbox.ask(
            RenderRequest(
                [[Part("warm", "text", "warm")]],
                [RenderItem(0, _EMPTY)],
            )
        )
        if await sandbox.answer(_START_SECONDS) is None or self._closed:
            await sandbox.kill()
            return
        self._free.put_nowait(sandbox)

    def _replace(self) -> None:
        self.killed_total += 1
        task = asyncio.create_task(self._add())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def render(
        self, templates: Sequence[Sequence[Part]], items: Sequence[tuple[int, dict[str, Any]]]
    ) -> list[Rendering]:
        """Return an answer for each (number of its template, data)."""
        packed = [_packed(data) for _, data in items]
        pending = [RenderItem(n, raw) for (n, _), raw in zip(items, packed, strict=True) if raw is not None]
        found = iter(await self._through([list(parts) for parts in templates], pending) if pending else [])
        return [next(found) if raw is not None else _UNREADABLE for raw in packed]

    async def check(self, templates: Sequence[Sequence[Part]]) -> list[Rendering]:
        """Return what is wrong with each template's Liquid, an empty answer where nothing is."""
        return [(await self._through([list(parts)], []))[0] for parts in templates]

    async def _through(self, templates: list[list[Part]], items: list[RenderItem]) -> list[Rendering]:
        answers: list[Rendering] = []
        wanted = len(items) or len(templates)
        tried_again = -1
        while len(answers) < wanted:
            sandbox = await self._free.get()
            request = RenderRequest(templates, items[len(answers) :])
            if await self._one_process(sandbox, request, answers, wanted):
                self._free.put_nowait(sandbox)
                continue
            await sandbox.kill()
            self._replace()
            # Only its own limit is the template's fault for certain; any other death gets it a second try.
            if sandbox.ran_out or tried_again == len(answers):
                answers.append(_KILLED)
            else:
                tried_again = len(answers)
        return answers

    async def _one_process(
        self, sandbox: _Sandbox, request: RenderRequest, answers: list[Rendering], wanted: int
    ) -> bool:
        """Collect answers until all are there (True) or the process is lost on the next one (False)."""
        sending = asyncio.create_task(sandbox.ask(request))
        try:
            while len(answers) < wanted:
                answer = await sandbox.answer(self._wall_seconds)
                if answer is None:
                    return False
                answers.append(answer)
            return True
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def close(self) -> None:
        """End every process."""
        self._closed = True
        await asyncio.gather(*self._starting, return_exceptions=True)
        while not self._free.empty():
            await self._free.get_nowait().kill()

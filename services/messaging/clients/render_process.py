"""The sandbox: a process without secrets that renders Liquid under a memory and a processor-time limit.

Started as `python -m services.messaging.clients.render_process`; frames on stdin and stdout are a four-byte length
and MessagePack. Each answer leaves before the next item begins, so the parent sees which one hangs.
"""

import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from services.messaging.domain.rendering import ContentProblem, check, render
from services.messaging.domain.template import Part, Rendering

MEMORY_BYTES = 64 * 2**20
CPU_SECONDS = 0.15


class RenderItem(msgspec.Struct, frozen=True, array_like=True):
    """One message to render: the number of its template in the request, and its data."""

    template: int
    data: msgspec.Raw


class RenderRequest(msgspec.Struct, frozen=True, array_like=True):
    """Templates by number, and what to render with them; no items: only check the templates."""

    templates: list[list[Part]]
    items: list[RenderItem]


def limit_memory(extra_bytes: int = MEMORY_BYTES) -> None:
    """Bound this process to what it uses now and `extra_bytes` more, and forbid it to write files."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer_one(templates: list[list[Part]], item: RenderItem | None, number: int) -> Rendering:
    """Render (or only check) one; a limit that can be caught becomes an answer, the others end the process."""
    try:
        if item is None:
            check(templates[number])
            return Rendering()
        return Rendering(parts=render(templates[item.template], msgspec.msgpack.decode(item.data)))
    except ContentProblem as problem:
        return Rendering(problem_part=problem.part, problem_kind=problem.kind, problem=problem.detail)
    except MemoryError:
        return Rendering(problem_kind="limit", problem="the template needs too much memory")


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame, None at the end."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return stream.read(struct.unpack("!I", head)[0])


def main() -> None:
    """Answer requests until stdin closes."""
    limit_memory()
    decoder = msgspec.msgpack.Decoder(RenderRequest)
    encoder = msgspec.msgpack.Encoder()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (frame := read_frame(source)) is not None:
        request = decoder.decode(frame)
        items: list[RenderItem | None] = list(request.items) or [None] * len(request.templates)
        for number, item in enumerate(items):
            # SIGPROF's default ends the process even inside one long C call, where no Python handler would run.
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            answer = answer_one(request.templates, item, number)
            signal.setitimer(signal.ITIMER_PROF, 0)
            payload = encoder.encode(answer)
            sink.write(struct.pack("!I", len(payload)) + payload)
            sink.flush()


if __name__ == "__main__":
    main()

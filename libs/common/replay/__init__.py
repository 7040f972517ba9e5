"""Replay from the owner: facts told once more, under the same event ids, to one consumer that is being rebuilt."""

from libs.common.replay.requests import ask_replay
from libs.common.replay.telling import Part, Telling, kept

__all__ = ["Part", "Telling", "ask_replay", "kept"]

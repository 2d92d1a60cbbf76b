"""Transports: each carries byte strings between two parties and knows nothing of what they mean."""

from isthmus.party.channel.base import Channel, Counters
from isthmus.party.channel.memory import MemoryChannel, memory_pair

__all__ = ["Channel", "Counters", "MemoryChannel", "memory_pair"]

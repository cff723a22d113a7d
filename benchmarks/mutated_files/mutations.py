"""Mutations of any bytes: flips, cuts, insertions, swaps, and numbers set to their extremes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random], bytes]
"""Other bytes of the same kind of file; its name tells what was done."""

_HEADER = 128  # bytes: where most formats say what follows
_NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63)


def mutate(content: bytes, random: Random, grammar: Sequence[Mutation]) -> tuple[bytes, str]:
    """Mutated bytes and what was done: one to three steps, half of them in the grammar of the format."""
    steps = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        step = random.choice(grammar if grammar and random.random() < 0.6 else ANY)
        try:
            content = step(content, random)
        except Exception:  # an earlier step left nothing that has a grammar
            step = random.choice(ANY)
            content = step(content, random)
        steps.append(step.__name__)
    return content, " then ".join(steps)


def flip_bits(content: bytes, random: Random) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 3, 20))):
        changed[_place(len(changed), random)] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut_the_end(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def cut_a_region(content: bytes, random: Random) -> bytes:
    begin, end = _region(content, random)
    return content[:begin] + content[end:]


def insert_bytes(content: bytes, random: Random) -> bytes:
    begin, _ = _region(content, random)
    return content[:begin] + random.randbytes(random.choice((1, 2, 16, 300))) + content[begin:]


def repeat_a_region(content: bytes, random: Random) -> bytes:
    begin, end = _region(content, random)
    return content[:end] + content[begin:end] * random.choice((1, 1, 50)) + content[end:]


def swap_regions(content: bytes, random: Random) -> bytes:
    a, b, c, d = sorted(random.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def fill_a_region(content: bytes, random: Random) -> bytes:
    begin, end = _region(content, random)
    return content[:begin] + random.choice((b"\0", b"\xff", b" ")) * (end - begin) + content[end:]


def set_a_number(content: bytes, random: Random) -> bytes:
    """A whole number of 1 to 8 bytes, somewhere, at an extreme."""
    size, order = random.choice("BHIQ"), random.choice("<>")
    packed = struct.pack(order + size, random.choice(_NUMBERS) & (256 ** struct.calcsize(size) - 1))
    begin = _place(max(len(content) - len(packed), 1), random)
    return content[:begin] + packed + content[begin + len(packed) :]


def replace_all(content: bytes, random: Random) -> bytes:
    return random.choice((b"", b"\0", b"hello\n", b"{}", b"[]", random.randbytes(100), content[::-1]))


ANY: tuple[Mutation, ...] = (
    *(flip_bits, flip_bits, cut_the_end, cut_a_region, insert_bytes, repeat_a_region, swap_regions, fill_a_region),
    *(set_a_number, set_a_number, replace_all),
)


def extreme(random: Random) -> int:
    """A whole number that few expect."""
    return random.choice((*_NUMBERS, -(2**31), -(2**63), 10**30))


def _place(length: int, random: Random) -> int:
    return random.randrange(min(length, _HEADER) if random.random() < 0.5 else length)


def _region(content: bytes, random: Random) -> tuple[int, int]:
    begin = _place(len(content), random) if content else 0
    return begin, min(len(content), begin + random.choice((1, 4, 30, 1000, len(content) // 4)))

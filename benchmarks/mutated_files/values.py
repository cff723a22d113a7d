"""Mutations in the grammar of JSON: values of other types, extremes, code, keys that are new or gone, deep nests."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from benchmarks.mutated_files import payloads
from benchmarks.mutated_files.mutations import Mutation, extreme

Place = tuple[dict | list, str | int]
_RAW = (
    *(b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"1e999", b"NaN", b"[]", b"null", b'""', b"{}", b"\xff\xfe{}"),
    *(b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b"[1,]", b'"\\ud800"'),
)


def json_mutations(outside: Path) -> tuple[Mutation, ...]:
    """Mutations of a file of JSON; its hostile strings lead into the folder ``outside``."""

    def change_json(content: bytes, random: Random) -> bytes:
        found = json.loads(content)
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            found = change_value(found, random, outside)
        return json.dumps(found, ensure_ascii=random.random() < 0.8).encode(errors="surrogatepass")

    def replace_json(content: bytes, random: Random) -> bytes:
        return random.choice(_RAW)

    def nest_a_value(content: bytes, random: Random) -> bytes:
        found = json.loads(content)
        holder, key = random.choice(list(places(found)))
        holder[key] = "NEST"
        return json.dumps(found).encode().replace(b'"NEST"', random.choice(_RAW), 1)

    return (change_json,) * 8 + (replace_json, nest_a_value)


def change_value(found: object, random: Random, outside: Path) -> object:
    """A JSON value with one of its parts replaced, renamed, dropped, repeated or swapped."""
    there = list(places(found))
    if not there:
        return hostile(random, outside)
    holder, key = random.choice(there)
    match random.randrange(8):
        case 0 if isinstance(holder, dict):
            holder[payloads.text(random, outside)] = holder.pop(key)
        case 0 | 1:
            del holder[key]
        case 2:
            other, where = random.choice(there)
            holder[key] = copy.deepcopy(other[where])
        case 3 if isinstance(holder, dict):
            holder[random.choice(("x", "__class__", payloads.text(random, outside)))] = hostile(random, outside)
        case 3 if isinstance(holder, list):
            holder.extend([holder[key]] * random.choice((1, 1000)))
        case _:
            holder[key] = near(holder[key], random, outside)
    return found


def near(value: object, random: Random, outside: Path) -> object:
    """A hostile value; mostly of the same type."""
    if random.random() < 0.4:
        return hostile(random, outside)
    match value:
        case bool():
            return not value
        case int() | float():
            return random.choice(
                (extreme(random), value + 1, value - 1, -value, value * 1.5, float("nan"), float("inf"))
            )
        case str():
            text, place = payloads.text(random, outside), random.randrange(len(value) + 1)
            return random.choice(
                (text, value[:place] + text, value[:place] + text + value[place:], value[:place], value.upper())
            )
        case list():
            return random.choice(
                ([], value * 2, value[:-1], [value], value[::-1], [None] * len(value), dict(enumerate(value)))
            )
        case _:
            return hostile(random, outside)


def hostile(random: Random, outside: Path) -> object:
    """A value of any type."""
    simple: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: random.random() < 0.5,
        lambda: extreme(random),
        lambda: random.choice((0.5, -1.5, 1e308, float("nan"), float("-inf"))),
        lambda: payloads.text(random, outside),
        lambda: payloads.text(random, outside),
        lambda: [],
        lambda: {},
        lambda: [payloads.text(random, outside), 1, None],
        lambda: {payloads.text(random, outside): payloads.text(random, outside)},
        lambda: [[[[[]]]]],
        lambda: list(range(10_000)),
    )
    return random.choice(simple)()


def places(found: object) -> Iterator[Place]:
    """Every part of a JSON value, by what holds it and its key there."""
    pairs: list[tuple[str | int, object]] = (
        list(found.items()) if isinstance(found, dict) else list(enumerate(found)) if isinstance(found, list) else []
    )
    for key, value in pairs:
        yield found, key  # type: ignore[misc]
        yield from places(value)

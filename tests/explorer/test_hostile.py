"""Whatever arrives is answered, malformed messages by an error, and nobody else notices."""

import asyncio
import copy
import json
import random

import numpy as np
import pytest

from explorer.desks import Clock, alone, rest, take, threads, tiny
from fiberscope.explorer.desk import Desk
from fiberscope.explorer.wire import decode

COUNT = 2100  # of each of five seeds

DRAG = {"kind": "drag", "basis": "toward", "seed": 3, "to": {"index": 5}, "amounts": [0.1] * 6}
MOVES = [
    {"kind": "paint", "pixels": [3, 4], "values": [0, 90]},
    {"kind": "drag", "basis": "seen", "seed": 0, "to": None, "amounts": [0.2, 0.0, 0.1]},
    {"kind": "morph", "to": {"index": 2}, "share": 0.5},
    {"kind": "release", "pixels": [4]},
]
STATE = {"v": 1, "image": {"index": 1}, "space": "pixels", "radius": 0.5, "straight": False, "moves": MOVES}
MOVED = {**STATE, "image": {"pixels": "gICAgICAgICAgICAgICAgA=="}, "moves": [DRAG]}
VALID = (
    {"type": "browse", "id": 1, "label": 3, "sort": "label", "descending": True, "offset": 0, "count": 4},
    {"type": "show", "id": 1, "state": STATE},
    {"type": "show", "id": 1, "state": MOVED},
    {"type": "directions", "id": 1, "state": STATE, "basis": "random", "seed": 3, "to": None},
    {"type": "morph", "id": 1, "state": {**STATE, "moves": []}, "to": {"index": 3}},
    {"type": "freedom", "id": 1, "state": STATE},
    {"type": "export", "id": 1, "format": "npz", "states": [STATE, MOVED]},
    {"type": "python", "id": 1, "state": STATE},
)
JUNK = (None, True, False, -7, -6.5, 1e308, 10**30, "", "x", "\ud800", "\x00", "é" * 300, [], [[]], {}, {"": {}})
OPTIONAL = {"label", "descending"}
ALSO_RIGHT = {("to", "null"), ("straight", "true"), ("straight", "false")}
ALSO_RIGHT |= {("moves", "[]"), ("amounts", "[]"), ("pixels", "[]"), ("states", "[]"), ("v", "true")}

MESSAGE_BYTES = 256 * 2**10  # of images as small as these


def places(value, way=()):
    """Every way into a message, but not the message itself."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*way, key)
        yield from places(part, (*way, key))


def parent(found, way):
    for key in way[:-1]:
        found = found[key]
    return found


def dropped(chance, found):
    way = chance.choice([way for way in places(found) if isinstance(way[-1], str)])
    del parent(found, way)[way[-1]]
    return json.dumps(found), way[-1] not in OPTIONAL | {"to", "seed"} and ("seed" not in way)


def retyped(chance, found):
    way, junk = chance.choice(list(places(found))), chance.choice(JUNK)
    parent(found, way)[way[-1]] = junk
    right = OPTIONAL & set(way) or (way[-1], json.dumps(junk)) in ALSO_RIGHT
    return json.dumps(found), not right


def added(chance, found):
    way = chance.choice(list(places(found)))
    inner = parent(found, way)
    if isinstance(inner, dict):
        inner["".join(chance.choices("abé\ud800\x00", k=chance.randint(1, 9)))] = chance.choice(JUNK)
    else:
        inner.append(chance.choice(JUNK))
    return json.dumps(found), False


def truncated(chance, found):
    text = json.dumps(found)
    return text[: chance.randrange(len(text))], True


def flipped(chance, found):
    letters = list(json.dumps(found, ensure_ascii=False))
    for _ in range(chance.randint(1, 4)):
        letters[chance.randrange(len(letters))] = chr(chance.choice([*range(32, 127), 0, 0xE9, 0x1F4A1, 0xD800]))
    return "".join(letters), False


def nested(chance, found):
    depth, way = chance.choice([50, 1100, 40_000]), chance.choice([way for way in places(found) if way[-1] != "id"])
    parent(found, way)[way[-1]] = "HERE"
    opening, closing = chance.choice([("[", "]"), ('{"a":', "}")])
    end = closing * depth if chance.random() < 0.7 else ""
    text = json.dumps(found).replace('"HERE"', opening * depth + "1" + end)
    return text, not OPTIONAL & set(way) or depth > 50


def enlarged(chance, found):
    way = chance.choice(list(places(found)))
    parent(found, way)[way[-1]] = "HERE"
    huge = chance.choice(["9" * 5000, "1e999", "-1e999", "NaN", "-Infinity", '"' + "a" * MESSAGE_BYTES + '"'])
    return json.dumps(found).replace('"HERE"', huge), not (OPTIONAL & set(way) and huge.endswith("e999"))


def something_else(chance, found):
    whole = json.dumps(found)
    return chance.choice(
        [whole.encode(), b"", b"\xff" * 9, "", " ", "null", "[]", "5", '"show"', f"[{whole}]", whole + whole, "\ud800"]
    ), True


def readdressed(chance, found):
    found["id"] = chance.choice([-1, 2**53 + 1, 1.5, "1", None, True, [], 10**40])
    return json.dumps(found), True


MUTATIONS = (dropped, retyped, retyped, added, truncated, flipped, nested, enlarged, something_else, readdressed)


@pytest.fixture(scope="module")
def small(scene):
    """Of few pixels, so that thousands of questions that are valid after all do not take long."""
    return tiny(scene, logits=lambda x: x.flatten(1)[:, :3], scale=scene.scale._replace(within=0.1))


def refuse(constant):
    raise ValueError(constant)  # NaN and infinity are Python's, not JSON's


def is_addressed(text):
    try:
        found = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    identity = found.get("id") if isinstance(found, dict) else None
    return isinstance(identity, int) and not isinstance(identity, bool) and 0 <= identity <= 2**53


@pytest.mark.parametrize("valid", VALID, ids=[each["type"] for each in VALID])
def test_without_mutations_each_is_answered_without_an_error(small, valid):
    fields = {key: value for key, value in valid.items() if key not in ("type", "id")}
    assert alone(small, valid["type"], fields)


@pytest.mark.parametrize("seed", range(5))
def test_thousands_of_mutated_messages_are_answered_and_malformed_ones_by_an_error(small, seed, monkeypatch):
    clock, chance = Clock(), random.Random(seed)
    monkeypatch.setattr("fiberscope.explorer.desk.time", clock)
    wanted = alone(small, "show", {"state": STATE})[0].arrays

    async def work():
        async with threads() as found:
            desk, beside = Desk(small, found), Desk(small, found)
            for identity in range(COUNT):
                clock.now += 0.1
                told = copy.deepcopy(chance.choice(VALID))
                told["id"] = chance.randint(0, 2**53)  # in no order
                text, malformed = chance.choice(MUTATIONS)(chance, told)
                desk.receive(text)
                answers = [header for header, _ in await rest(desk)]
                assert answers, text[:300]
                addressed = (
                    isinstance(text, str)
                    and len(text.encode(errors="surrogatepass")) <= MESSAGE_BYTES
                    and is_addressed(text)
                )
                number = json.loads(text)["id"] if addressed else None
                assert {answer["id"] for answer in answers} == {number}, (text[:300], answers)
                assert all(answer["message"] for answer in answers if answer["type"] == "error")
                if malformed or not addressed:
                    assert [answer["type"] for answer in answers] == ["error"], (text[:300], answers)
                    assert "raised" not in answers[0]["message"], (text[:300], answers)
                if identity % 100 == 0:
                    beside.receive(json.dumps({"type": "show", "id": identity, "state": STATE}))
                    header, arrays = await take(beside)
                    assert (header["type"], header["id"]) == ("frame", identity)
                    for name, array in wanted.items():
                        np.testing.assert_array_equal(arrays[name], array)

    asyncio.run(work())


def test_thousands_at_once_leave_every_line_short(small):
    chance = random.Random(5)

    async def work():
        async with threads() as found:
            desk, beside = Desk(small, found), Desk(small, found)
            texts = [chance.choice(MUTATIONS)(chance, copy.deepcopy(chance.choice(VALID)))[0] for _ in range(2000)]
            for text in texts:
                desk.receive(text)
            beside.receive(json.dumps(VALID[1]))
            header, _ = await take(beside)
            waiting = desk._outbox.qsize()
            while not desk._outbox.empty():
                assert decode(await desk.take())[0]["type"]
            return header["type"], waiting

    kind, waiting = asyncio.run(work())
    assert kind == "frame"
    assert waiting <= 2000


def test_an_error_does_not_repeat_what_was_sent_at_length(small):
    async def work():
        async with threads() as found:
            desk = Desk(small, found)
            told = []
            for text in ("x" * 2 * MESSAGE_BYTES, json.dumps({"type": "a" * 10**5, "id": 1}), '{"type": 1' * 9000):
                desk.receive(text)
                told.append((await take(desk))[0]["message"])
            return told

    assert max(map(len, asyncio.run(work()))) < 300

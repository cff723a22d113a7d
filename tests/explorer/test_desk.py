"""One person's questions: of each kind the newest is answered, and nothing that a person does harms another one."""

import asyncio
import base64
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.desks import Clock, alone, rest, take, take_until, threads, tiny, until
from explorer.states import MESSAGES, along, message, starting
from fiberscope import LatentMap
from fiberscope.explorer import ImageRef, as_json
from fiberscope.explorer.desk import MOST_WAITING, PER_SECOND, Desk
from fiberscope.explorer.requests import message_bytes


def dragged(amount):
    return {"state": as_json(starting(along("seen", 8, amount)))}


def session(scene, work):
    async def running():
        async with threads() as found:
            return await work(Desk(scene, found), found)

    return asyncio.run(running())


@pytest.mark.parametrize("kind", MESSAGES)
def test_each_question_gets_the_answer_that_it_gets_alone(scene, kind):
    async def work(desk, _):
        desk.receive(message(kind, 7))
        return [each for each in await rest(desk) if each[0]["type"] != "verdict"]

    found = session(scene, work)
    wanted = [answer for answer in alone(scene, kind, MESSAGES[kind]) if answer is not None]
    assert len(found) == len(wanted) > 0
    for (header, arrays), answer in zip(found, wanted, strict=True):
        assert header["id"] == 7
        assert header["type"] == answer.type
        for name, array in answer.arrays.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_after_a_frame_the_judges_say_what_they_see(scene):
    async def work(desk, _):
        desk.receive(message("show", 3, **dragged(1.0)))
        return await take_until(desk, lambda header: header["type"] == "verdict")

    (frame, _), (verdict, _) = session(scene, work)
    assert (frame["type"], frame["id"], verdict["id"]) == ("frame", 3, 3)
    assert verdict["verdict"] in ("wanted", "collision", "unsure")
    assert 0 <= verdict["confidence"] <= 1
    assert len(verdict["judges"]) == len(scene.panel.judges)


@pytest.mark.parametrize("kind", MESSAGES)
def test_of_many_questions_of_a_kind_the_newest_is_answered_and_few_others(scene, kind):
    async def work(desk, _):
        for identity in range(40):
            desk.receive(message(kind, identity))
        return [header["id"] for header, _ in await rest(desk)]

    found = session(scene, work)
    assert set(found) == {39}


def test_while_one_is_computed_the_newest_waits_and_those_between_are_dropped(scene):
    async def work(desk, _):
        desk.receive(message("show", 0, **dragged(0.0)))
        await until(lambda: not desk._quick.has("show"))  # it is being computed
        for identity in range(1, 30):
            desk.receive(message("show", identity, **dragged(identity / 10)))
        return [header["id"] for header, _ in await rest(desk) if header["type"] == "frame"]

    found = session(scene, work)
    assert found in ([0, 29], [29])


def test_a_kind_does_not_take_the_place_of_another_one(scene):
    async def work(desk, _):
        for identity, kind in enumerate(MESSAGES):
            desk.receive(message(kind, identity))
        return await rest(desk)

    found = session(scene, work)
    assert {header["id"] for header, _ in found} == set(range(len(MESSAGES)))


def test_a_superseded_film_ends(scene):
    async def work(desk, _):
        desk.receive(message("morph", 1))
        first = await take(desk)
        desk.receive(message("morph", 2))
        return [first, *await rest(desk)]

    found = session(scene, work)
    parts = {identity: [h for h, _ in found if h["id"] == identity] for identity in (1, 2)}
    assert len(parts[1]) <= 2  # the part under way is the last
    assert not any(header["done"] for header in parts[1])
    assert parts[2][-1]["done"]
    assert len(parts[2]) == 4


def test_a_film_does_not_hold_up_a_drag(scene):
    async def work(desk, found):
        other = Desk(scene, found)
        desk.receive(message("morph", 1))
        await take(desk)
        other.receive(message("show", 1, **dragged(1.0)))
        await take(other)
        return desk._outbox.qsize()

    assert session(scene, work) <= 3


def counting(scene):
    """A scene without judges that counts what is computed for it."""
    pieces = []

    def logits(images):
        pieces.append(len(images))
        return images.flatten(1)[:, :3]

    return tiny(scene, logits=logits), pieces


@pytest.mark.parametrize("later", [False, True], ids=["asked before", "asked after"])
def test_a_closed_desk_does_no_more_work(scene, later):
    small, pieces = counting(scene)

    async def work(desk, found):
        other = Desk(small, found)
        if later:
            desk.close()
        for kind in ("show", "morph"):
            desk.receive(message(kind, 1, state=as_json(starting(image=ImageRef(index=0))), to={"index": 1}))
        desk.close()
        other.receive(message("python", 1, state=as_json(starting(image=ImageRef(index=0)))))
        await take(other)
        await asyncio.sleep(0.05)
        return len(pieces), desk._outbox.qsize()

    assert session(small, work) == (0, 0)


def test_a_desk_that_closes_in_the_middle_of_a_film_ends_it(scene):
    async def work(desk, found):
        desk.receive(message("morph", 1))
        await take(desk)
        desk.close()
        before = desk._outbox.qsize()
        other = Desk(scene, found)
        other.receive(message("morph", 5))
        await take_until(other, lambda header: header.get("done"))
        return desk._outbox.qsize() - before

    assert session(scene, work) == 0


def test_who_does_not_take_answers_is_not_worked_for_any_further(scene):
    small, _ = counting(scene)

    async def work(desk, found):
        state = as_json(starting(image=ImageRef(index=0)))
        for identity in range(150):
            desk.receive(message("python", identity, state=state))
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        waiting = desk._outbox.qsize()
        crowded = desk.crowded
        other = Desk(small, found)
        other.receive(message("python", 1, state=state))
        header, _ = await take(other)
        newest = await take_until(desk, lambda header: header["id"] == 149)
        return waiting, crowded, header["type"], len(newest)

    waiting, crowded, others, answered = session(small, work)
    assert crowded
    assert waiting <= MOST_WAITING + 2  # a piece on each thread was under way
    assert others == "python"
    assert MOST_WAITING <= answered <= MOST_WAITING + 3


@pytest.mark.parametrize("error", [RuntimeError("out of\nluck"), ValueError(""), MemoryError("no more"), KeyError("x")])
def test_a_model_that_raises_tells_the_one_who_asked_and_nobody_else(scene, error, caplog):
    def logits(images):
        raise error

    broken = tiny(scene, logits=logits)

    async def work(desk, found):
        other = Desk(scene, found)
        desk.receive(message("show", 4, state=as_json(starting(image=ImageRef(index=0)))))
        other.receive(message("show", 5, **dragged(1.0)))
        told, frame = await take(desk), await take(other)
        desk.receive(message("python", 6, state=as_json(starting(image=ImageRef(index=0)))))
        return told[0], frame[0], (await take(desk))[0], other._outbox.qsize() <= 1

    told, frame, still, quiet = session(broken, work)
    assert told["type"] == "error"
    assert told["id"] == 4
    assert told["message"].startswith(f"The model, or what was done with it, raised {type(error).__name__}: ")
    assert "\n" not in told["message"]
    assert (frame["type"], frame["id"]) == ("frame", 5)
    assert (still["type"], still["id"]) == ("python", 6)
    assert quiet


def test_a_network_without_numbers_for_an_image_says_so(scene):
    blank = tiny(scene, latents=lambda x: torch.where(x.amax() > 0.99, torch.nan, 1.0) * x.flatten(1)[:, :3])
    white = ImageRef(pixels=bytes([255]) * 16)

    async def work(desk, _):
        desk.receive(message("show", 4, state=as_json(starting(image=white))))
        return (await take(desk))[0]

    assert session(blank, work)["message"] == "image: its latent is not finite. Choose another image."


def test_too_many_messages_are_refused_and_later_ones_are_answered_again(scene, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("fiberscope.explorer.desk.time", clock)

    async def work(desk, _):
        for identity in range(2 * PER_SECOND):
            desk.receive(message("python", identity))
        found = await rest(desk)
        clock.now += 2
        desk.receive(message("python", 9999))
        return found, await rest(desk)

    found, later = session(scene, work)
    refusals = [header for header, _ in found if header["type"] == "error"]
    assert len(refusals) == PER_SECOND
    assert all(f"more than {PER_SECOND} a second" in header["message"] for header in refusals)
    assert [header["id"] for header, _ in found if header["type"] == "python"] == [PER_SECOND - 1]
    assert [(header["type"], header["id"]) for header, _ in later] == [("python", 9999)]


def test_a_message_has_room_for_two_large_images_of_ones_own(scene):
    latent_map = LatentMap(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 224 * 224, 2)), (3, 224, 224))
    image = base64.b64encode(bytes(3 * 224 * 224)).decode()
    text = message("morph", 1, state={"v": 1, "image": {"pixels": image}, "moves": []}, to={"pixels": image})
    assert len(text) < message_bytes(replace(scene, latent_map=latent_map))

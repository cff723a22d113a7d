"""Over the socket everybody gets right answers, however many there are and however badly one of them behaves."""

import asyncio
import contextlib
import json
import socket
import struct
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from explorer.states import MESSAGES, ZERO, along, digit, message, relative_residual, starting
from fiberscope.explorer import ImageRef, as_json, picture
from fiberscope.explorer.wire import decode

BASES = {"data": 12, "variations": 15, "toward": 10, "smooth": 12, "random": 12, "seen": 8}
OPTIONS = {"proxy": None, "compression": None, "open_timeout": 30, "max_size": 2**24}


def url_of(server):
    return f"ws://{urlsplit(server).netloc}/session"


@contextlib.contextmanager
def client(server, **options):
    with connect(url_of(server), **{**OPTIONS, "origin": server.rstrip("/"), **options}) as socket_:
        yield socket_


def answer_to(socket_, identity, kind):
    """The answer of that kind to that message; what else comes is passed over."""
    while True:
        header, arrays = decode(socket_.recv(timeout=60))
        if header["id"] == identity and header["type"] in (kind, "error"):
            assert header["type"] == kind, header
            return header, arrays


def show(state):
    return {"state": as_json(state)}


def is_right(encoder, header, arrays, state):
    """Whether a frame holds what the network itself says of its image, and is on the fiber as it claims."""
    image = torch.from_numpy(arrays["image"].copy())
    latent = encoder(image[None])[0].detach().numpy()
    residual = float(relative_residual(encoder, image, state.image))
    np.testing.assert_allclose(arrays["latent"], latent, rtol=1e-3, atol=2e-3)
    assert abs(residual - header["residual"]) < 1e-5
    assert header["on_fiber"]
    return residual <= 1e-4


def still_works(server, encoder):
    with client(server) as there:
        state = starting(along("seen", 8, 1.0))
        there.send(message("show", 1, **show(state)))
        return is_right(encoder, *answer_to(there, 1, "frame"), state)


def test_the_first_message_says_what_there_is(server, scene):
    with client(server) as there:
        header, arrays = decode(there.recv(timeout=60))
    assert arrays == {}
    assert (header["type"], header["id"], header["protocol"]) == ("welcome", None, 1)
    assert header["shape"] == [1, 28, 28]
    assert header["latent_size"] == 8
    assert header["classes"] == [str(i) for i in range(10)]
    assert header["count"] == 10_000
    assert [column["name"] for column in header["columns"]] == [column.name for column in scene.columns]
    assert {basis["name"] for basis in header["bases"]} == set(BASES)
    assert header["radius_unit"] == pytest.approx(scene.scale.within, rel=1e-4)
    assert (header["judges"], header["natural"], header["rtol"]) == (True, True, 1e-4)
    assert header["limits"] == {"amount": 6, "moves": 64, "message_bytes": 262144, "export_states": 48}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("browse", "thumbnails"),
        ("show", "frame"),
        ("directions", "directions"),
        ("morph", "film"),
        ("freedom", "freedom"),
        ("export", "file"),
        ("python", "python"),
    ],
)
def test_each_question_is_answered_by_its_number(server, kind, answer):
    with client(server) as there:
        there.send(message(kind, 41))
        assert answer_to(there, 41, answer)
    assert kind in MESSAGES


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.org", "http://127.0.0.1", "http://localhost:{port}", "https://evil.org:{port}"],
)
def test_a_socket_of_another_page_is_refused(server, origin):
    wrong = origin and origin.format(port=urlsplit(server).port)
    with pytest.raises(InvalidStatus) as refusal, client(server, origin=wrong):
        pass
    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize("host", ["evil.org", "localhost.evil.org", "0.0.0.0"])
def test_a_socket_to_a_name_that_was_led_here_is_refused(server, host):
    there = urlsplit(server)
    led = socket.create_connection((there.hostname, there.port), timeout=30)
    named = f"{host}:{there.port}"
    with led, pytest.raises(InvalidStatus) as refusal:
        connect(f"ws://{named}/session", sock=led, origin=f"http://{named}", **OPTIONS)
    assert refusal.value.response.status_code == 403


def test_an_oversized_frame_ends_its_own_connection_only(server, encoder):
    with client(server) as other:
        with client(server) as large:
            with contextlib.suppress(ConnectionClosed):
                large.send("x" * 2**21)
            with contextlib.suppress(ConnectionClosed):
                large.recv(timeout=30)  # the welcome is there already
            with pytest.raises(ConnectionClosed):
                large.recv(timeout=30)
        state = starting(along("seen", 8, -1.0))
        other.send(message("show", 5, **show(state)))
        assert is_right(encoder, *answer_to(other, 5, "frame"), state)


def test_a_message_above_the_limit_is_answered_by_an_error(server):
    with client(server) as there:
        there.recv(timeout=60)
        there.send("x" * (2**18 + 1))
        header, _ = decode(there.recv(timeout=60))
        assert header["type"] == "error"
        assert header["message"].startswith("message: 262145 bytes, at most 262144 are read")
        there.send(message("python", 2))
        assert answer_to(there, 2, "python")


def test_bytes_and_broken_text_are_answered_and_the_connection_stays(server):
    with client(server) as there:
        there.recv(timeout=60)
        for sent in (b"\x00\x01", "{", "null", '{"type": "show", "id": 3}', json.dumps({"type": "fly", "id": 4})):
            there.send(sent)
            assert decode(there.recv(timeout=60))[0]["type"] == "error"
        there.send(message("python", 5))
        assert answer_to(there, 5, "python")


def test_two_at_once_get_what_each_has_asked_for(server, encoder):
    states = starting(along("smooth", 12, 3.0)), starting(along("random", 12, -2.0), image=ZERO)
    with client(server) as one, client(server) as two:
        for identity in range(5):
            for there, state in zip((one, two), states, strict=True):
                there.send(message("show", identity, **show(state)))
            for there, state in zip((one, two), states, strict=True):
                assert is_right(encoder, *answer_to(there, identity, "frame"), state)


def test_the_page_and_the_library_make_the_same_picture(server, scene):
    state = starting(along("data", 12, 1.5), image=ZERO)
    with client(server) as there:
        there.send(message("show", 1, **show(state)))
        _, arrays = answer_to(there, 1, "frame")
    np.testing.assert_allclose(arrays["image"], picture(scene, state).image, atol=1e-4)
    np.testing.assert_array_equal(arrays["start"], digit(ZERO))


def test_twenty_at_once_all_get_frames_that_are_right(server, encoder):
    names = list(BASES)

    async def visit(number):
        basis = names[number % len(names)]
        reference, found = ImageRef(index=100 + number), []
        async with connect_async(url_of(server), origin=server.rstrip("/"), **OPTIONS) as there:
            for identity in range(3):
                move = along(basis, BASES[basis], 0.5 + identity, place=identity)
                state = starting(move, image=reference)
                await there.send(message("show", identity, **show(state)))
                while True:
                    header, arrays = decode(await asyncio.wait_for(there.recv(), 60))
                    assert header["type"] != "error", header
                    if header["type"] == "frame" and header["id"] == identity:
                        break
                found.append((header, arrays, state))
        return found

    async def everybody():
        return await asyncio.gather(*(visit(number) for number in range(20)))

    frames = [frame for found in asyncio.run(everybody()) for frame in found]
    assert len(frames) == 60
    assert all(is_right(encoder, *frame) for frame in frames)


def test_a_client_that_is_killed_leaves_the_server_working(server, encoder):
    for _ in range(5):
        with client(server) as there:
            for identity in range(3):
                there.send(message("morph", identity))
            raw = there.socket
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no farewell
            raw.shutdown(socket.SHUT_RDWR)
    assert still_works(server, encoder)


def test_a_client_that_does_not_read_leaves_the_server_working(server, encoder):
    with client(server) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for identity in range(300):
            deaf.send(message("browse", identity, sort="index", offset=0, count=120))
        assert still_works(server, encoder)

"""How the command begins and how it ends."""

import contextlib
import http.client
import signal
import socket
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from explorer.process import address_of, serving, start
from explorer.states import message
from fiberscope.explorer.wire import decode

FEW = ("--images", "0:40")


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def ends_of(visitor):
    """Whatever was on its way, and then the end of the connection."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            visitor.recv(timeout=30)


def test_ctrl_c_ends_it_while_somebody_is_there_with_the_exit_code_of_other_commands():
    process = start("--port", "0", *FEW)
    try:
        there = urlsplit(address_of(process))
        with connect(f"ws://{there.netloc}/session", origin=f"http://{there.netloc}", proxy=None) as visitor:
            visitor.send(message("morph", 1))
            visitor.recv(timeout=60)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
            ends_of(visitor)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in error


def test_a_port_that_is_taken_is_refused_with_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--port", str(port), *FEW)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"port: 127.0.0.1:{port} cannot be had" in error
    assert "Choose another by --port" in " ".join(error.split())
    assert "Traceback" not in error
    assert "http://" not in out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--port", "0", "--token", "short"), "token: expected at least 16"),
        (("--port", "70000"), "port: 127.0.0.1:70000 cannot be had"),
        (("--port", "0", "--labelled", "x.npz"), "images, labelled: both are given"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(arguments, word):
    process = start(*FEW, *arguments)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert word in " ".join(error.split())
    assert "Traceback" not in error
    assert "http://" not in out


@pytest.fixture(scope="module")
def public():
    """A server that other machines reach: its port, and the token in the address that it prints."""
    with serving("--host", "0.0.0.0", *FEW) as address:
        there = urlsplit(address)
        yield there.port, parse_qs(there.query)["token"][0]


def test_the_address_that_it_prints_holds_a_token(public):
    assert len(public[1]) >= 24


@pytest.mark.parametrize("path", ["/", "/page/index.html", "/?token=wrong", "/?token=", "/nothing"])
def test_without_the_token_nothing_is_shown(public, path):
    status, headers, content = get(public[0], path)
    assert status == 403
    assert b"<" not in content
    assert headers["set-cookie"] is None
    assert public[1].encode() not in content


def test_the_token_goes_from_the_address_into_a_cookie_that_opens_the_page(public):
    port, token = public
    status, headers, content = get(port, f"/?token={token}")
    assert (status, headers["location"], content) == (303, "/", b"")
    (cookie,) = SimpleCookie(headers["set-cookie"]).values()
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert headers["referrer-policy"] == "no-referrer"
    status, _, content = get(port, "/", Cookie=f"{cookie.key}={cookie.value}")
    assert status == 200
    assert b"<!doctype html>" in content
    assert token.encode() not in content
    assert get(port, "/", Cookie=f"{cookie.key}=x{cookie.value}")[0] == 403


@pytest.mark.parametrize(
    ("cookie", "allowed"), [("fiberscope-{port}={token}", True), ("fiberscope-{port}=wrong", False), ("", False)]
)
def test_a_socket_needs_the_token_too(public, cookie, allowed):
    port, token = public
    address = f"127.0.0.1:{port}"
    headers = {"Cookie": cookie.format(port=port, token=token)} if cookie else {}
    options = {"origin": f"http://{address}", "additional_headers": headers, "proxy": None}
    if allowed:
        with connect(f"ws://{address}/session", **options) as there:
            assert decode(there.recv(timeout=60))[0]["type"] == "welcome"
    else:
        with pytest.raises(InvalidStatus) as refusal:
            connect(f"ws://{address}/session", **options)
        assert refusal.value.response.status_code == 403


def test_the_token_does_not_open_it_to_other_pages(public):
    port, token = public
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{port}/session?token={token}", origin="http://evil.org", proxy=None)

"""Only this machine comes in, or who has the token; and only scripts of the page itself speak to it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiberscope.explorer.guard import HEADERS, Guard, is_loopback, make_token
from fiberscope.problem import FiberscopeError

LOCAL = Guard("127.0.0.1", 8765, None)
TOKEN = "s3cret-token_of-24-letters"
OPEN = Guard("0.0.0.0", 8765, TOKEN)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
def test_these_are_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "::",
        "192.168.1.2",
        "8.8.8.8",
        "example.org",
        "localhost.evil.org",
        "127.0.0.1.nip.io",
        "127.1",
        "evil-localhost",
        "xn--localhost",
        "2130706433",
        "0x7f.1",
        "127.0.0.1 ",
        "[",
        "fe80::1",
    ],
)
def test_these_are_not_surely_this_machine(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:1", "[::1]:8765", "127.0.0.1", "[::1]"]
)
def test_on_loopback_its_own_names_are_known_with_any_port(host):
    assert LOCAL.knows_host({"host": host})
    assert Guard("::1", 8765, None).knows_host({"host": host})


@pytest.mark.parametrize(
    "host",
    [
        "evil.org",
        "evil.org:8765",
        "localhost.evil.org",
        "127.0.0.1.evil.org:8765",
        "127.0.0.1@evil.org",
        "0.0.0.0:8765",
        "",
        ":8765",
        "192.168.1.2:8765",
        "[fe80::1]:8765",
        "evil.org/127.0.0.1",
        "evil.org#localhost",
        "localhost\x00.org",
    ],
)
def test_names_that_were_led_here_are_refused(host):
    assert not LOCAL.knows_host({"host": host})


def test_a_request_without_a_host_is_refused():
    assert not LOCAL.knows_host({})
    assert not OPEN.knows_host({})
    assert not OPEN.knows_host({"host": ""})


def test_a_server_for_others_takes_any_name_since_it_asks_for_the_token():
    assert all(OPEN.knows_host({"host": host}) for host in ("192.168.1.2:8765", "lab.example.org", "127.0.0.1:1"))


@pytest.mark.parametrize("guard", [LOCAL, OPEN], ids=["local", "open"])
@pytest.mark.parametrize(
    "host", ["[", "[::1", "]", "[]", "[x]:1", "::1:8765", "127.0.0.1:x", "a b", "http://localhost", "@"]
)
def test_a_malformed_host_is_answered_and_does_not_raise(guard, host):
    assert guard.knows_host({"host": host}) in (True, False)
    assert guard.same_origin({"host": host, "origin": f"http://{host}"}) in (True, False)


@given(st.text(st.characters(max_codepoint=255), max_size=30), st.text(st.characters(max_codepoint=255), max_size=30))
def test_no_header_whatever_it_holds_raises_or_lets_a_stranger_in(host, other):
    headers = {"host": host, "origin": other, "cookie": other}
    assert LOCAL.knows_host(headers) in (True, False)
    assert LOCAL.same_origin({"host": "127.0.0.1:8765", "origin": other}) is False
    assert LOCAL.same_origin(headers) in (True, False)
    assert OPEN.has_token(headers, other) is False


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "lab.example.org"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_page_itself_is_of_the_same_origin(scheme, host):
    assert OPEN.same_origin({"host": host, "origin": f"{scheme}://{host}"})


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.org",
        "http://127.0.0.1:8766",
        "http://127.0.0.1",
        "http://localhost:8765",
        "null",
        "",
        "file://",
        "ftp://127.0.0.1:8765",
        "127.0.0.1:8765",
        "//127.0.0.1:8765",
        "http://127.0.0.1:8765.evil.org",
        "http://127.0.0.1:8765@evil.org",
        "http://evil.org/127.0.0.1:8765",
        "http://x@127.0.0.1:8765",
    ],
)
def test_another_page_is_not(origin):
    assert not LOCAL.same_origin({"host": "127.0.0.1:8765", "origin": origin})


def test_who_does_not_say_where_they_come_from_is_not_of_the_same_origin():
    assert not LOCAL.same_origin({"host": "127.0.0.1:8765"})
    assert not LOCAL.same_origin({"origin": "http://127.0.0.1:8765"})
    assert not LOCAL.same_origin({})


def test_nowhere_is_not_the_same_origin_as_nowhere():
    assert not OPEN.same_origin({"host": "", "origin": "http://"})
    assert not OPEN.same_origin({"origin": "http://"})


def test_a_malformed_origin_is_not_the_page():
    assert not LOCAL.same_origin({"host": "127.0.0.1:8765", "origin": "http://["})


def test_where_no_token_is_asked_for_everybody_has_it():
    assert LOCAL.has_token({}, "")


@pytest.mark.parametrize(
    ("cookie", "query"),
    [
        (f"fiberscope-8765={TOKEN}", ""),
        (f'fiberscope-8765="{TOKEN}"', ""),
        (f"a=b; fiberscope-8765={TOKEN}; c=d", ""),
        ("", f"token={TOKEN}"),
        ("fiberscope-8765=old", f"x=1&token=wrong&token={TOKEN}"),
        (f"fiberscope-8765={TOKEN}", "token=wrong"),
    ],
)
def test_the_token_is_in_the_cookie_or_in_the_address(cookie, query):
    assert OPEN.has_token({"cookie": cookie}, query)


@pytest.mark.parametrize(
    "other", ['{"a": 1}', 'x={"a": 1}', "a b=c", "=", "x=é", 'x="open', "a/b=c", "x=1,2", "alone", ";", "é=1", "$x=[1]"]
)
def test_malformed_cookies_of_others_do_not_hide_it(other):
    # Cookies know no ports: on this machine they come from whatever else is served here.
    assert OPEN.has_token({"cookie": f"{other}; fiberscope-8765={TOKEN}"}, "")
    assert OPEN.has_token({"cookie": f"fiberscope-8765={TOKEN}; {other}"}, "")
    assert OPEN.has_token({"cookie": other}, f"token={TOKEN}")


@pytest.mark.parametrize(
    ("cookie", "query"),
    [
        ("", ""),
        ("fiberscope-8765=", "token="),
        (f"fiberscope-8765={TOKEN[:-1]}", f"token={TOKEN}x"),
        (f"other={TOKEN}", f"key={TOKEN}"),
        (f"fiberscope-8765={TOKEN.upper()}", f"Token={TOKEN}"),
        (f"xfiberscope-8765={TOKEN}", TOKEN),
        ("fiberscope-8765=None", "token=None"),
        ("fiberscope-8765=\xe9", "token=%ff%00"),
        (TOKEN, f"token[]={TOKEN}"),
    ],
)
def test_anything_else_is_not_the_token(cookie, query):
    assert not OPEN.has_token({"cookie": cookie}, query)
    assert not OPEN.has_token({}, query)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_there_is_a_token_only_where_one_is_wanted(host):
    assert make_token(host, None) is None
    assert make_token(host, TOKEN) == TOKEN


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "lab.example.org", ""])
def test_elsewhere_there_is_always_one_and_each_time_another(host):
    tokens = {make_token(host, None) for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", token) for token in tokens)


@pytest.mark.parametrize("wanted", ["", "short", "a" * 15, "a" * 16 + "&", "a" * 16 + "\n", "é" * 20, "a b" * 9])
def test_a_token_that_could_be_guessed_or_does_not_fit_an_address_is_refused(wanted):
    with pytest.raises(FiberscopeError, match=r"^token: expected at least 16 letters"):
        make_token("0.0.0.0", wanted)


def test_nothing_on_the_page_may_come_from_elsewhere():
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not any(word in HEADERS["Content-Security-Policy"] for word in ("unsafe", "*", "http"))

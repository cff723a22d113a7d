"""The command as a process serves the page and its files, and nothing else, to nobody else."""

import http.client
import re
import urllib.request
from importlib.resources import files
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

PAGE = files("fiberscope.explorer") / "page"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(address, path="", **headers):
    """Status, headers and content."""
    request = urllib.request.Request(address.rstrip("/") + path, headers=headers)
    try:
        with DIRECT.open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def get_raw(address, path, method="GET"):
    """As it is written: no library tidies the path."""
    there = urlsplit(address)
    connection = http.client.HTTPConnection(there.hostname, there.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def has_the_headers(headers):
    policy = headers["content-security-policy"]
    return (
        "default-src 'none'" in policy
        and "script-src 'self'" in policy
        and "frame-ancestors 'none'" in policy
        and "unsafe" not in policy
        and headers["x-content-type-options"] == "nosniff"
        and headers["referrer-policy"] == "no-referrer"
        and headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        and headers["cache-control"] == "no-store"
    )


def test_it_listens_on_this_machine_alone_and_asks_for_no_token(server):
    there = urlsplit(server)
    assert there.hostname == "127.0.0.1"
    assert there.query == ""


def test_the_page_comes_with_its_headers(server):
    status, headers, content = get(server, "/")
    assert status == 200
    assert headers.get_content_type() == "text/html"
    assert has_the_headers(headers)
    assert content == (PAGE / "index.html").read_bytes()
    assert headers["server"] is None


def test_nothing_in_the_page_is_inline_or_from_elsewhere(server):
    text = get(server, "/")[2].decode()
    assert all(not script.strip() for script in re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.DOTALL))
    assert not re.search(r"<style\b|\sstyle=|\son\w+=|javascript:", text)
    assert not re.search(r"https?://", text)
    for link in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert link == "data:," or get(server, link)[0] == 200


@pytest.mark.parametrize("name", sorted(item.name for item in PAGE.iterdir() if item.is_file()))
def test_each_file_of_the_page_is_there_with_its_type_and_headers(server, name):
    status, headers, content = get(server, f"/page/{name}")
    kinds = {"js": "text/javascript", "css": "text/css", "html": "text/html", "svg": "image/svg+xml"}
    assert status == 200
    assert headers.get_content_type() == kinds[name.rpartition(".")[2]]
    assert has_the_headers(headers)
    assert content == (PAGE / name).read_bytes()


def test_the_theme_is_made_for_it(server):
    status, headers, content = get(server, "/page/theme.css")
    assert (status, headers.get_content_type()) == (200, "text/css")
    assert b"--" in content


@pytest.mark.parametrize(
    "path",
    [
        "/page/../server.py",
        "/page/%2e%2e/server.py",
        "/page/..%2fserver.py",
        "/page/%2e%2e%2fserver.py",
        "/page/..%5cserver.py",
        "/page/%252e%252e%252fserver.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/../../../../etc/passwd",
        "/page/server.py",
        "/page/__init__.py",
        "/page/",
        "/page",
        "/page/INDEX.HTML",
        "/page/index.html%00.js",
        "/page/%00",
        "/page/" + "a" * 5000,
        "/page/%f0%9f%92%a1.js",
        "/server.py",
        "/session",
        "/docs",
    ],
)
def test_what_is_no_file_of_the_page_is_not_found_and_reveals_nothing(server, path):
    status, headers, content = get_raw(server, path)
    assert status == 404
    assert has_the_headers(headers)
    assert len(content) < 100
    assert not re.search(rb"Traceback|import|root:|/work|site-packages|fiberscope", content)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/page/index.html"])
def test_the_page_can_be_read_only(server, method, path):
    status, headers, content = get_raw(server, path, method)
    assert status == 405
    assert has_the_headers(headers)
    assert b"<" not in content


@pytest.mark.parametrize("host", ["evil.org", "evil.org:80", "localhost.evil.org", "0.0.0.0", "192.168.1.2"])
@pytest.mark.parametrize("path", ["/", "/page/index.html", "/nothing"])
def test_a_name_that_was_led_here_is_refused(server, host, path):
    status, headers, content = get(server, path, Host=host)
    assert status == 403
    assert has_the_headers(headers)
    assert content == b"Refused: open the address that fiberscope explore printed."


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:99"])
def test_a_name_of_this_machine_is_not(server, host):
    assert get(server, "/", Host=host)[0] == 200


@pytest.mark.parametrize("host", ["[", "[::1", "]"])
def test_a_malformed_name_is_refused(server, host):
    status, headers, content = get(server, "/", Host=host)
    assert status in (400, 403)
    assert b"Traceback" not in content
    assert status == 400 or has_the_headers(headers)

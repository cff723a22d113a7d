import gzip
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fiberscope.data import fetch, fetch_mnist, mnist
from fiberscope.data.mnist_files import FILES, SHIPPED
from fiberscope.problem.errors import FiberscopeError

TEST_FILES = {f"{file.name}.gz": (SHIPPED / f"{file.name}.gz").read_bytes() for file in FILES["test"]}


class Mirrors:
    """A server on this machine: /good/ has the files, /half/ halves of them, /slow/ stops in the middle."""

    def __init__(self, url):
        self.good, self.half, self.slow, self.gone = (f"{url}/{name}" for name in ("good", "half", "slow", "gone"))
        self.asked = []
        self.is_slow = threading.Event()
        self.end_of_test = threading.Event()


@pytest.fixture
def mirrors(monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            _, mirror, name = self.path.split("/")
            found.asked.append(f"{mirror}/{name}")
            if mirror == "gone" or name not in TEST_FILES:
                self.send_error(404)
                return
            content = TEST_FILES[name]
            half = content[: len(content) // 2]
            self.send_response(200)
            self.send_header("Content-Length", str(len(half if mirror == "half" else content)))
            self.end_headers()
            self.wfile.write(content if mirror == "good" else half)
            if mirror == "slow":
                self.wfile.flush()
                found.is_slow.set()
                found.end_of_test.wait(60)

        def log_message(self, *args):
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # the training set is not at hand in a test; the two files of the test set take the same way
    monkeypatch.setattr(fetch, "FILES", {"test": FILES["test"]})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Mirrors(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.end_of_test.set()
        server.shutdown()
        thread.join()


def test_a_fetched_folder_is_a_root(mirrors, tmp_path):
    announced = []
    folder = fetch_mnist(root=tmp_path / "new", mirrors=[mirrors.good], on_file=announced.append)
    assert folder == tmp_path / "new"
    assert sorted(path.name for path in folder.iterdir()) == sorted(TEST_FILES)
    assert announced == [name.removesuffix(".gz") for name in TEST_FILES]
    assert len(mnist("test", root=folder).labels) == 10_000


def test_the_default_folder_is_the_user_cache(mirrors, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fetch_mnist(mirrors=[mirrors.good]) == tmp_path / "fiberscope" / "mnist"


def test_the_next_mirror_helps_where_one_lacks_or_damages_a_file(mirrors, tmp_path):
    fetch_mnist(root=tmp_path, mirrors=[mirrors.gone, mirrors.half, mirrors.good])
    assert len(mnist("test", root=tmp_path).labels) == 10_000
    assert [asked.split("/")[0] for asked in mirrors.asked] == ["gone", "half", "good"] * 2


def test_what_is_there_is_not_fetched_again(mirrors, tmp_path):
    packed, unpacked = TEST_FILES
    (tmp_path / packed).write_bytes(TEST_FILES[packed])
    (tmp_path / unpacked.removesuffix(".gz")).write_bytes(gzip.decompress(TEST_FILES[unpacked]))
    fetch_mnist(root=tmp_path, mirrors=[mirrors.good])
    assert mirrors.asked == []


def test_a_damaged_file_is_replaced(mirrors, tmp_path):
    images, labels = TEST_FILES
    (tmp_path / images).write_bytes(b"half a file")
    (tmp_path / labels.removesuffix(".gz")).write_bytes(b"half a file")
    fetch_mnist(root=tmp_path, mirrors=[mirrors.good])
    assert len(mnist("test", root=tmp_path).labels) == 10_000


def test_without_network_the_message_says_which_files_go_where(tmp_path):
    nobody_listens = "http://127.0.0.1:9"
    with pytest.raises(FiberscopeError, match=r"train-images-idx3-ubyte\.gz could not be downloaded") as refusal:
        fetch_mnist(root=tmp_path, mirrors=[nobody_listens])
    message = str(refusal.value)
    assert f"{nobody_listens}/train-images-idx3-ubyte.gz" in message
    assert f"into {tmp_path}" in message
    assert "FIBERSCOPE_DATA" in message
    for split in ("train", "test"):
        assert all(f"{file.name}.gz" in message for file in FILES[split])


def test_a_truncated_download_is_told_and_leaves_nothing(mirrors, tmp_path):
    with pytest.raises(FiberscopeError, match=r"half/t10k-images-idx3-ubyte\.gz: what came is truncated or altered"):
        fetch_mnist(root=tmp_path, mirrors=[mirrors.half])
    assert list(tmp_path.iterdir()) == []


def test_a_killed_download_leaves_nothing(mirrors, tmp_path):
    script = (
        "from fiberscope.data import fetch, fetch_mnist\n"
        "fetch.FILES = {'test': fetch.FILES['test']}\n"
        f"fetch_mnist(root={str(tmp_path)!r}, mirrors=[{mirrors.slow!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as download:
        assert mirrors.is_slow.wait(60)
        os.kill(download.pid, signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(mirrors, tmp_path):
    (tmp_path / "a-file").touch()
    with pytest.raises(FiberscopeError, match=r"a-file.* cannot be written .* choose another folder"):
        fetch_mnist(root=tmp_path / "a-file", mirrors=[mirrors.good])

"""Names from elsewhere on the terminal: nothing in them moves the cursor, colours, or passes for a message."""

import os
import warnings

import numpy as np
import pytest
from PIL import Image

from commands import run_command
from fiberscope.cli.terminal import say_error, say_warnings, show_facts
from fiberscope.plain_text import plain, plain_lines, plain_name

ODD = "red\x1b[31m\rhidden\nerror: all is lost \u202egnp\u2066 [bold]\udce9"
SHOWN = "red\\x1b[31m\\rhidden\\nerror: all is lost \\u202egnp\\u2066 [bold]\\udce9"


def test_what_cannot_be_seen_is_written_as_its_escape():
    assert plain(ODD) == SHOWN
    assert plain("Zürich, 東京, 3 × 10⁻⁴, 96.1\u00a0%") == "Zürich, 東京, 3 × 10⁻⁴, 96.1\u00a0%"
    assert plain_name("caf\udce9\n.png") == "caf\\xe9\\n.png"


def test_no_line_but_the_first_begins_a_message():
    assert plain_lines("one\nerror: two\n  three\r") == "one\n  error: two\n  three\\r"


def test_everything_that_is_printed_is_plain(capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    say_warnings()
    show_facts([(ODD, ODD)])
    say_error(ODD)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning(ODD), UserWarning, "file.py", 1)
    said = capsys.readouterr()
    shown_in_lines = SHOWN.replace("\\n", "\n  ")
    assert " ".join(said.out.split()) == f"{SHOWN} {SHOWN}"
    assert said.err == f"error: {shown_in_lines}\nnote: {shown_in_lines}\n"


@pytest.mark.skipif(os.name != "posix", reason="names of other systems are text")
def test_pictures_with_odd_names_go_through_a_whole_command(tmp_path):
    odd = b"caf\xe9 \x1b[31m\n[bold]"
    folder = os.path.join(os.fsencode(tmp_path), odd)
    os.mkdir(folder)
    for name in (odd + b".png", b"b.heic", b"._a.png"):
        with open(os.path.join(folder, name), "wb") as file:
            Image.fromarray(np.full((28, 28), 90, np.uint8)).save(file, "PNG")
    with open(os.path.join(folder, b"c\x1b[32m.mov"), "wb") as file:
        file.write(b"a film")
    ended = run_command("nearest", "--images", os.fsdecode(folder), "--targets", "0", "--out", tmp_path / "out")
    assert "caf\\xe9 \\x1b[31m\\n[bold].png" in ended.stdout
    assert "note: folder" in ended.stderr
    assert "c\\x1b[32m.mov cannot be read as pictures and are left out" in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr
    again = run_command("nearest", "--images", os.fsdecode(folder + odd), "--out", tmp_path / "out")
    assert again.returncode == 2
    assert "\x1b" not in again.stderr
    assert again.stderr.count("\n") == 1

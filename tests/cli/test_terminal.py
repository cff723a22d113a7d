import re
import time
from pathlib import Path

import pytest

from fiberscope.analysis.finding import Finding
from fiberscope.cli.terminal import progress, say_error, show, watch

FINDING = Finding(
    columns=("image", "target", "outcome", "|r|/|z|", "distance", "Jacobians"),
    rows=(
        ("digit 7, test 0", "digit 2, test 3611", "converged", "1.5e-06", "3.35", "96"),
        ("a.png", "[red]b[/red].png", "unreachable inside the box", "nan", "12.50", "4"),
    ),
    summary="1 of 2 images reached the latent of their target.",
    advice=("unreachable inside the box: widen the box.",),
    files=(Path("/a/very/long/folder/name/that/does/not/fit/on/one/line/nearest.npz"),),
    num_good=1,
)


@pytest.fixture
def terminal(monkeypatch, capsys):
    """What a terminal of so many columns shows, without the codes for colours."""

    def lines(width):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(width))
        show(FINDING)
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()

    return lines


def test_a_wide_terminal_shows_a_row_a_line(terminal):
    row = next(line for line in terminal(120) if "digit 7" in line)
    assert row.split() == ["digit", "7,", "test", "0", "digit", "2,", "test", "3611", *FINDING.rows[0][2:]]


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_terminal_loses_nothing(terminal, width):
    lines = terminal(width)
    files = [str(file) for file in FINDING.files]
    assert all(len(line) <= width for line in lines if line not in files)
    words = " ".join(" ".join(lines).split())
    for row in FINDING.rows:
        for name, cell in zip(FINDING.columns, row, strict=True):
            assert f"{name} {cell}" in words or width < 40
    assert FINDING.summary in words
    assert lines[-1] == files[0]


def test_a_pipe_shows_a_row_a_line_without_markup(capsys):
    show(FINDING)
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines[2].split()) == "a.png [red]b[/red].png unreachable inside the box nan 12.50 4"


@pytest.mark.parametrize(("num_good", "code"), [(2, 0), (1, 0), (0, 1)])
def test_the_exit_code_says_whether_anything_was_found(num_good, code, capsys):
    assert show(FINDING._replace(num_good=num_good)) == code


def test_advice_stands_between_the_summary_and_the_files(capsys):
    show(FINDING)
    assert capsys.readouterr().out.splitlines()[-3:] == [FINDING.summary, *FINDING.advice, str(FINDING.files[0])]


def test_progress_says_nothing_in_a_pipe(capsys):
    with progress("walking") as on_batch:
        on_batch(1, 2)
    assert capsys.readouterr() == ("", "")


def test_an_error_is_one_line_however_long_and_red_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    say_error("long [bold] words " * 20)
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    say_error("refused")
    assert capsys.readouterr().err == "\x1b[31merror: refused\x1b[0m\n"


def test_a_terminal_shows_how_far_a_step_is_and_anything_else_its_seconds(monkeypatch, capfd):
    def run():
        with watch() as (step, tell), step("bring people together"):
            tell("smooth changes, 3 of 20")
            time.sleep(0.3)  # a terminal is drawn anew some times a second
        return capfd.readouterr().err

    assert re.fullmatch(r" +0\.\d s  bring people together\n", run())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shown = run()
    assert "smooth changes, 3 of 20 …" in shown
    assert "s  bring people together" in shown

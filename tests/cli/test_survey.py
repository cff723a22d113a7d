"""How surveys are asked for on a command line."""

import pytest

from fiberscope.cli.app import run

SMALL = ("--model", "mnist-classifier", "--data", "mnist:test", "--limit", 3, "--measures", "recognition,spectrum")


def test_options_without_a_command_begin_a_survey(fiberscope, tmp_path):
    done = fiberscope("survey", *SMALL, "--out", tmp_path / "survey")
    assert done.returncode == 0, done.stderr
    assert "3 of 3 images have records" in done.stdout
    assert fiberscope("survey", "status", "--out", tmp_path / "survey").returncode == 0


@pytest.mark.parametrize("asked", [[], ["--help"], ["-h"]], ids=["nothing", "--help", "-h"])
def test_help_of_surveys_lists_their_commands_and_says_what_options_alone_do(asked, capsys):
    run(["survey", *asked])
    out = capsys.readouterr().out
    assert all(f"│ {name} " in out for name in ("run", "resume", "status", "summary", "compare", "query", "export"))
    assert "Options without a command are those of run." in " ".join(out.split())


def test_a_mistyped_command_is_told_and_not_taken_for_an_option_of_run(capsys):
    with pytest.raises(SystemExit):
        run(["survey", "stauts", "--out", "x"])
    assert 'Did you mean "status"?' in capsys.readouterr().err


def test_help_behind_options_is_that_of_run(capsys):
    run(["survey", "--data", "mnist:test", "--help"])
    assert "--measures" in capsys.readouterr().out

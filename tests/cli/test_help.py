import re
import subprocess
import sys

import pytest

import fiberscope
from fiberscope.cli.app import app, run

COMMANDS = (
    ("demo",),
    ("analyse",),
    ("compare",),
    ("rows",),
    ("faces",),
    ("explore",),
    ("layers",),
    ("models", "fetch"),
    ("data", "fetch", "faces"),
    ("data", "fetch", "photographs"),
    ("train", "classifier"),
    ("train", "autoencoder"),
    ("train", "generator"),
    ("train", "judges"),
    ("data", "fetch", "mnist"),
    ("spectrum",),
    ("walk",),
    ("nearest",),
    ("project",),
    ("survey", "run"),
    ("survey", "resume"),
    ("survey", "status"),
    ("survey", "summary"),
    ("survey", "compare"),
    ("survey", "query"),
    ("survey", "export"),
)

HELP_WITHOUT_TORCH = f"""
from fiberscope.cli.app import run
for command in [(), *{COMMANDS}]:
    assert run([*command, "--help"]) == 0
    assert "torch" not in sys.modules, command
"""

# The package without what its __init__ imports.
BARE_PACKAGE = f"""
import sys, types
sys.modules["fiberscope"] = package = types.ModuleType("fiberscope")
package.__path__ = {list(fiberscope.__path__)}
"""


def arguments_of(command):
    found = app
    for name in command:
        found = found[name]
    return found.assemble_argument_collection()


def run_script(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def test_no_command_imports_torch_for_its_help():
    done = run_script(BARE_PACKAGE + HELP_WITHOUT_TORCH)
    assert done.returncode == 0, done.stderr


def test_help_imports_no_torch():
    done = run_script("import sys" + HELP_WITHOUT_TORCH)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_has_a_sentence_of_help(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")  # an option a line
    run([*command, "--help"])
    _usage, sentence, *rest = capsys.readouterr().out.split("\n\n")
    assert sentence.strip().endswith(".")
    told = re.findall(r"(--[a-z-]+).*?  +([A-Z].*?\.)(?: \[| {2})", "".join(rest))
    assert {name for name, _ in told} == {
        argument.name for argument in arguments_of(command) if argument.show and argument.name.startswith("-")
    }


@pytest.mark.parametrize("command", [(), ("survey",), ("train",), *COMMANDS], ids=" ".join)
def test_every_command_tells_the_version_of_fiberscope(command, capsys):
    run([*command, "--version"])
    assert capsys.readouterr().out.strip() == fiberscope.__version__


@pytest.mark.parametrize("command", ["spectrum", "walk", "nearest", "project"])
def test_the_four_runs_share_their_options(command):
    names = {argument.name for argument in arguments_of((command,))}
    assert {"--model", "--layer", "--images", "--out", "--seed", "--device", "--force", "--weights"} <= names


def test_the_help_of_the_whole_names_each_command(capsys):
    run(["--help"])
    out = capsys.readouterr().out
    assert all(command[0] in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["wlk"], "Did you mean"),
        (["walk", "--out", "x", "--imges", "0"], "Did you mean --images"),
        (["walk", "--out", "x", "--steps", "many"], "many"),
        (["walk", "--out", "x", "--basis", "fourier"], "smooth"),
        (["nearest"], "--out"),
    ],
)
def test_what_cannot_be_parsed_is_one_sentence_and_exit_code_2(arguments, remedy, capsys):
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert remedy in error.replace("\n", " ")

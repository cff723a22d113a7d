"""The command `fiberscope`: its subcommands, and how each of them ends."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Sequence

from cyclopts import App, Parameter

from fiberscope.cli.analyse import analyse
from fiberscope.cli.compare import compare
from fiberscope.cli.demo import demo
from fiberscope.cli.explore import explore
from fiberscope.cli.faces import faces
from fiberscope.cli.fetch import faces as fetch_faces
from fiberscope.cli.fetch import mnist, model, photographs
from fiberscope.cli.layers import layers
from fiberscope.cli.nearest import nearest
from fiberscope.cli.project import project
from fiberscope.cli.rows import rows
from fiberscope.cli.spectrum import spectrum
from fiberscope.cli.survey import spelled_out, survey
from fiberscope.cli.terminal import error_text, own_version, say_error, say_interrupted, say_warnings
from fiberscope.cli.train import autoencoder, classifier, generator
from fiberscope.cli.train_judges import judges
from fiberscope.cli.walk import walk

REFUSED = 2
INTERRUPTED = 130

app = App(
    name="fiberscope",
    help="Show which images a neural network cannot tell apart: the fibers of its latent map.",
    help_epilogue="A first picture: fiberscope nearest --images 0:4 --out runs/nearest",
    version=own_version,
    default_parameter=Parameter(negative=()),
    error_formatter=error_text,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
train = App(name="train", help="Train a network whose fibers you want to see.", help_epilogue="")
data = App(name="data", help="Get data.", help_epilogue="")
fetch = App(name="fetch", help="Download a data set, once, into the user's cache.")
models = App(name="models", help="Get networks that do not ship.", help_epilogue="")
# None of these modules imports torch before its command runs, so that help is quick.
app.command(demo)
app.command(analyse)
app.command(compare)
app.command(rows)
app.command(faces)
app.command(explore)
app.command(layers)
app.command(spectrum)
app.command(walk)
app.command(nearest)
app.command(project)
app.command(survey)
app.command(train)
app.command(data)
app.command(models)
train.command(classifier)
train.command(autoencoder)
train.command(generator)
train.command(judges)
data.command(fetch)
fetch.command(mnist)
fetch.command(photographs)
fetch.command(fetch_faces, name="faces")
models.command(model, name="fetch")


def main() -> None:
    """Run the command line of this process and leave it with the command's exit code."""
    # Threads of torch that wait actively slow small networks down up to ten times where other work shares the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter of a message still gets the message.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    say_warnings()
    code = run(sys.argv[1:])
    _leave_threads(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; 0 when it found what it looked for, 1 when it found nothing, 2 when it was refused."""
    try:
        code = app(spelled_out(arguments))
    except KeyboardInterrupt as interrupt:
        say_interrupted(str(interrupt) or "interrupted")
        return INTERRUPTED
    except ValueError as error:
        if not _is_refusal(error):
            raise
        say_error(str(error))
        return REFUSED
    return code if isinstance(code, int) else 0


def _leave_threads(code: int) -> None:
    """Leave at once where threads compute what nobody takes any more.

    Python itself would wait for them in silence, or, of a survey, end torch below those that are at work.
    """
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    of_surveys = any(thread.name == "fiberscope-survey" for thread in others)
    if of_surveys or (code in (REFUSED, INTERRUPTED) and any(not thread.daemon for thread in others)):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _is_refusal(error: ValueError) -> bool:
    # Where such an error was raised, torch is there already.
    from fiberscope.problem.errors import FiberscopeError

    return isinstance(error, FiberscopeError)

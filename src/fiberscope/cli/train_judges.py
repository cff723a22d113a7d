"""`fiberscope train judges`."""

from __future__ import annotations

from pathlib import Path

from fiberscope.cli.terminal import progress, say, show_files


def judges(*, out: Path = Path("runs/judges"), data_dir: Path | None = None) -> None:
    """Train the judges that say what people would see; interrupted, the same command trains those that are missing.

    Parameters
    ----------
    out
        Folder for NAME.safetensors and NAME.json of each judge; fiberscope.judges.shipped_panel takes it.
    data_dir
        Folder with the MNIST files; by default where `fiberscope data fetch mnist` puts them.
    """
    from fiberscope.data import mnist
    from fiberscope.judges import JudgeProgress, train_judges

    train, test = mnist("train", data_dir), mnist("test")
    try:
        with progress("training judges") as on_batch:

            def show(now: JudgeProgress) -> None:
                on_batch(now.done, now.total)

            cards = train_judges(train, test, out=out, on_progress=show)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted: finished judges are kept, and the same command trains the rest") from None
    for card in cards:
        say(
            f"{card.name} reads {100 * card.test_accuracy:.2f} % of the test digits right; "
            f"its confidence is off by {100 * card.calibration_error:.2f} %."
        )
    show_files([out / f"{card.name}.json" for card in cards])

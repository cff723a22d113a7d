"""The ten digits that are shown, and how well the network reads digits."""

from __future__ import annotations

from fiberscope.analysis.answer import Answer, grouped
from fiberscope.analysis.demo.reading import Reading, read
from fiberscope.analysis.demo.stage import Stage
from fiberscope.gallery import image_grid, percent, to_png
from fiberscope.report import Figure, Section


def ask_recognition(stage: Stage) -> Answer:
    """Show the ten digits with what the network reads in them, and how often it reads the test set right."""
    reading = read(stage.network, stage.digits)
    digits = Figure(
        to_png(image_grid(stage.digits, captions=_captions(reading), title="Ten digits that the network reads right")),
        caption="Under each digit stands the class that the network reads in it, with the probability it gives.",
        alt="Ten handwritten digits from 0 to 9, each read right with high probability.",
    )
    n, m = stage.latent_map.input_size, stage.latent_map.latent_size
    section = Section(
        "How well does the network read digits?",
        f"It reads {percent(stage.accuracy)} of {grouped(len(stage.test.labels))} test digits right. Ten of those, "
        "one of each class, are what this page is about.",
        (
            f"The network works in two stages. First it boils the {n} pixels x of an image down to {m} numbers, the "
            "latent z = f(x). Then it reads the class from these numbers alone. So two images with the same latent are "
            "one and the same to it, however different they look to us. All images that share a latent form a fiber.",
            digits,
        ),
    )
    return Answer(
        (section,),
        facts=(("test digits read right", percent(stage.accuracy)), ("pixels become one latent", f"{n} → {m}")),
        figures={"digits.png": digits},
        arrays={
            "digits_images": stage.digits,
            "digits_labels": stage.test.labels[stage.chosen],
            "digits_test_indices": stage.chosen,
            "digits_latents": reading.latents,
            "digits_probabilities": reading.probabilities,
        },
    )


def _captions(reading: Reading) -> list[str]:
    readings = zip(reading.classes.tolist(), reading.probabilities.tolist(), strict=True)
    return [f"read as {label}\n{percent(probability)}" for label, probability in readings]

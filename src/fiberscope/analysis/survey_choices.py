"""What a user chooses for a survey: images and measures, engine, folders. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class SurveyChoice:
    """Which images are surveyed, what is measured at each, and where records go."""

    out: Path
    """Folder for the records; an interrupted survey in it is gone on with."""

    data: str = "mnist:test"
    """Images: mnist:test, mnist:train, mnist (both), test digits by index, a folder of pictures, an npz archive."""

    measures: tuple[str, ...] = ("recognition,spectrum,variations,nearest,collisions",)
    """Of recognition, spectrum, variations, ranges, nearest, collisions; your own as file.py:factory."""

    limit: int | None = None
    """Take the first so many images alone."""

    labelled: Path | None = None
    """Images that set the units, not the test digits: an npz of images and labels, IDX files, or a folder a class."""

    variations: Literal["general", "faces"] | None = None
    """Named changes: general ones, or those of upright faces that fill the image (light, pose, what is worn); by
    default what the network is for."""

    judge: tuple[str, ...] = ()
    """Networks of your own that judge beside those that ship, named as --model is; they give one number a class."""

    batch_size: int = 256
    """Images taken at a time: one task; a kill costs those under way."""

    seed: int = 0
    """Seed of everything random: the same seed gives the same records."""


@dataclass(frozen=True)
class EngineChoice:
    """Where a survey is computed, and by how many workers; its records are the same from all."""

    engine: str = "local"
    """Where it is computed: local (threads of this process), processes, or ray (a cluster, or this machine)."""

    workers: int | None = None
    """Workers of the engine; by default one for each core, of a cluster all that it has room for."""

    address: str | None = None
    """For ray: the cluster's host:port, or auto for the one on this machine; by default RAY_ADDRESS, else its own."""

    gpus_per_worker: float | None = None
    """For ray: GPUs that each worker has to itself, or a share such as 0.25; together with --device cuda."""

    task_timeout: float | None = None
    """Seconds after which a task is given up, its images recorded as failed; 0: never. By default twenty times the
    slowest task so far, at least ten minutes, and six hours before the first is done."""


@dataclass(frozen=True)
class SurveyCompareChoice:
    """Where a comparison of surveys goes, and what decides it."""

    out: Path
    """Folder for the page, its tables and provenance."""

    seed: int = 0
    """Seed of the resamples that intervals are from: the same seed gives the same page."""

    force: bool = False
    """Replace the result that an earlier run wrote into the folder; other files in it stay."""


@dataclass(frozen=True)
class SurveyFolder:
    """Which survey is asked or gone on with."""

    out: Path
    """Folder of the survey."""

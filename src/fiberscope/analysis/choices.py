"""What a user chooses for a run: the network, and where and how its result is written. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class NetworkChoice:
    """The network to explore, and where in it its latent is taken."""

    model: str = "mnist-classifier"
    """The network: mnist-classifier, what `fiberscope train` or `models fetch` got, or your own: file.py:factory,
    net.pt2 (torch.export), net.onnx, timm:NAME, torchvision:NAME, hf:NAME_OR_FOLDER."""

    weights: Path | None = None
    """Weights for file.py:factory, timm: and torchvision:, in .safetensors, or a state dict in .pt or .pth; by default
    those of the factory, or of the package's own cache. The word random draws those of timm:, torchvision: and hf:."""

    layer: str | None = None
    """The layer whose output is the latent, see `fiberscope layers`; the numbers of several are joined: NAME,NAME. By
    default the encoder, of a network of your own the whole output."""

    input_shape: tuple[int, ...] | None = None
    """Channels, height and width of your images; by default what the model says, of file.py:factory 1 28 28."""

    dtype: Literal["float32", "float64"] = "float32"
    """Precision of all computing; float64 takes longer and finds fibers to ten digits instead of five."""

    device: str = "cpu"
    """Where torch computes: cpu, cuda, cuda:1, mps."""

    mean: tuple[float, ...] | None = None
    """What the network wants subtracted from pixels, a number a channel; by default what the model says, or 0."""

    std: tuple[float, ...] | None = None
    """What it wants them divided by then; by default what the model says, or 1."""

    scale: float | None = None
    """What it takes white for, 255 if it was made for bytes; mean and std are in these units. By default 1."""

    resize: tuple[int, int] | None = None
    """Height and width that it wants; your images keep theirs, and are resized on the way in."""

    channels: Literal["same", "rgb", "bgr", "grey"] | None = None
    """What it takes: rgb or bgr of grey images too, grey of colour images too; by default channels stay as they are."""

    normalise_latent: bool = False
    """Take the direction of the latent alone, z / |z|: cosine geometry."""

    surrogate_gradient: bool = False
    """Follow a gradient that is not the derivative, on purpose: straight-through rounding, for one. Results say so."""


@dataclass(frozen=True)
class RunChoice:
    """Where a result is written, and what decides it beside its input."""

    out: Path
    """Folder for the result; it is made if it is not there."""

    force: bool = False
    """Replace the result that an earlier run wrote into the folder; other files in it stay."""

    seed: int = 0
    """Seed of everything random: the same seed gives the same pictures."""

    batch_size: int = 16
    """Images taken at a time; what finished batches found outlives an interruption."""


@dataclass(frozen=True)
class SpectrumChoice:
    """Where the network's sight is measured, and against which data."""

    images: tuple[str, ...] = ("0:8",)
    """Images to look at: test digits by index (0:16 or 3,7,20:24), pictures, folders of them, npz archives."""

    reference: tuple[str, ...] | None = None
    """Images whose variation counts as real; by default all test digits, for other shapes the images themselves."""


@dataclass(frozen=True)
class WalkChoice:
    """Where walks start, which way they go and how far."""

    images: tuple[str, ...] = ("0:4",)
    """Images to start from: test digits by index (0:16 or 3,7,20:24), pictures, folders of them, npz archives."""

    basis: Literal["data", "smooth", "random", "toward", "svd"] = "data"
    """Which invisible directions: where data varies most, smooth ones, random ones, toward other images, plain SVD."""

    directions: int = 2
    """Directions walked from each image."""

    length: float = 5.0
    """How far to walk: Euclidean norm over pixels, along the way."""

    steps: int = 20
    """Steps of each walk."""

    reference: tuple[str, ...] | None = None
    """For the basis data: images whose variation counts; by default all test digits, for other shapes the images."""

    targets: tuple[str, ...] | None = None
    """For the basis toward: images to head for, one or --directions for each; by default random test digits."""


@dataclass(frozen=True)
class PairChoice:
    """Which images to start from, and whose latents to reach."""

    images: tuple[str, ...] = ("0:8",)
    """What a result should look like: test digits by index (0:16 or 3,7,20:24), pictures, folders, npz archives."""

    targets: tuple[str, ...] | None = None
    """Images whose latents are aimed at, one or one for each image; by default random test digits of other classes."""

    rtol: float | None = None
    """Residual |f(x) - z| that counts as there, relative to |z|; by default 1e-5 in float32 and 1e-10 in float64."""


@dataclass(frozen=True)
class StudyChoice:
    """What a whole study is about, what it is measured against, and where its page goes."""

    out: Path
    """Folder for the page, its pictures, tables and arrays; an interrupted study in it is gone on with."""

    images: tuple[str, ...] = ("0:20",)
    """Images under study: test digits by index (0:16 or 3,7,20:24), pictures, folders of them, npz archives."""

    only: tuple[str, ...] = ()
    """Ask these questions alone, such as sight,walks,pairs; by default all. A wrong name lists them."""

    judge: tuple[str, ...] = ()
    """Networks of your own that judge beside those that ship, named as --model is; they give one number a class."""

    beside: tuple[str, ...] = ()
    """Networks to compare with on the same images, named as --model is."""

    labelled: Path | None = None
    """Images that set the units, not the test digits: an npz of images and labels, IDX files, or a folder a class."""

    variations: Literal["general", "faces"] | None = None
    """Named changes: general ones, or those of upright faces that fill the image (light, pose, what is worn); by
    default what the network is for."""

    seed: int = 0
    """Seed of everything random: the same seed gives the same page."""

    force: bool = False
    """Replace the result that an earlier run wrote into the folder; other files in it stay."""


@dataclass(frozen=True)
class RowsChoice:
    """Whose latents the rows have, how many images are in each, and where the page goes."""

    out: Path
    """Folder for the page, its pictures, tables and arrays."""

    images: tuple[str, ...] = ("101,330,47,76,24,153,100,0,268,118",)
    """A row for each, ten at most: test digits by index (0:16 or 3,7,20:24), pictures, folders, npz archives."""

    members: int = 7
    """Images in each row."""

    mass: float = 0.9
    """Share of the generator's prior that they stay in: with more of it they differ more and read less as digits."""

    seed: int = 0
    """Seed of the samples that the rows start from: the same seed gives the same rows."""

    force: bool = False
    """Replace the result that an earlier run wrote into the folder; other files in it stay."""


@dataclass(frozen=True)
class CompareChoice:
    """On which images networks are compared, who judges, and where the page goes."""

    out: Path
    """Folder for the page, its pictures, tables and arrays; an interrupted comparison in it is gone on with."""

    images: tuple[str, ...] = ("0:50",)
    """Images that all are asked about: test digits by index (0:16 or 3,7,20:24), pictures, folders, npz archives."""

    judge: tuple[str, ...] = ()
    """Networks of your own that judge beside those that ship, named as --model is; they give one number a class."""

    labelled: Path | None = None
    """Images that set the units, not the test digits: an npz of images and labels, IDX files, or a folder a class."""

    variations: Literal["general", "faces"] | None = None
    """Named changes: general ones, or those of upright faces that fill the image (light, pose, what is worn); by
    default what the network is for."""

    seed: int = 0
    """Seed of the choice of partners: the same seed gives the same page."""

    force: bool = False
    """Replace the result that an earlier run wrote into the folder; other files in it stay."""


@dataclass(frozen=True)
class ExploreChoice:
    """What the explorer shows, and where it can be reached."""

    images: tuple[str, ...] = ()
    """Images to start from: test digits by index (0:16), pictures, folders, npz archives; by default all digits."""

    labelled: Path | None = None
    """Images with classes, in place of the test digits: an npz of images and labels, IDX files, or a folder a class."""

    variations: Literal["general", "faces"] | None = None
    """Named changes: general ones, or those of upright faces that fill the image (light, pose, what is worn); by
    default what the network is for."""

    records: Path | None = None
    """A CSV table of an earlier run with a row an image; images can be sorted by its columns."""

    survey: Path | None = None
    """Folder of a survey, in place of a network and images: its own are opened, to be sorted by what it measured."""

    trust: bool = False
    """Let the Python files run that the survey names, if you read them: they run with your rights. Those of your own
    surveys run without it."""

    host: str = "127.0.0.1"
    """Address to listen at; one that other machines reach asks everybody for a token."""

    port: int = 8765
    """Port to listen at; 0 takes one that is free."""

    token: str | None = None
    """The token of an address that other machines reach; by default a random one, printed with the address."""

    no_browser: bool = False
    """Do not open a browser."""

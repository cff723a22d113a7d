"""What the questions about faces are asked about: an embedding, pictures of people, and one picture of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fiberscope.analysis.faces.judges import FaceJudge, train_face_judges
from fiberscope.analysis.faces.priors import Prior, face_prior, flat_prior, no_prior, smooth_prior
from fiberscope.analysis.faces.sight import FaceSight, see_faces
from fiberscope.analysis.faces.statistics import threshold_at
from fiberscope.analysis.faces.threads import side_by_side
from fiberscope.analysis.study.workbench import Workbench
from fiberscope.data import LabelledImages
from fiberscope.problem import LatentMap
from fiberscope.variations import Variation, expression, face_variations

_FALSE_ACCEPTS = 0.01


@dataclass(frozen=True, eq=False)
class FaceStudy:
    """A face embedding, pictures labelled by people, and the people whose first picture is under study.

    ``num_pairs`` pairs of different people are brought together, ``num_rows`` rows of so many ``members`` are made.
    ``num_steps`` of descent make pairs that are near nearer; without any, projection alone stands. With ``components``
    faces are moved as faces differ, too, which has descent of its own. Searches are kept on the ``workbench`` until
    their question is answered, and ``tell`` is told in words how far they are.
    """

    model: str
    latent_map: LatentMap
    faces: LabelledImages
    people: tuple[int, ...]
    seed: int
    num_pairs: int
    num_rows: int
    members: int
    num_steps: int
    components: bool
    workbench: Workbench
    tell: Callable[[str], object] = lambda words: None

    @cached_property
    def places(self) -> Int64[Tensor, " person"]:
        """Where each person's first picture stands."""
        labels = self.faces.labels.tolist()
        return torch.tensor([labels.index(person) for person in self.people])

    @property
    def probes(self) -> Float[Tensor, "person c h w"]:
        """The first picture of each person under study."""
        return self.faces.images[self.places]

    @property
    def names(self) -> tuple[str, ...]:
        """What the people are called: their number in the database, from 1."""
        return tuple(f"person {person + 1}" for person in self.people)

    @cached_property
    def variations(self) -> tuple[Variation, ...]:
        """The named changes of faces, with the one that the pictures themselves teach."""
        shape = self.latent_map.input_shape
        return (*face_variations(shape), expression(self.faces.images, self.faces.labels))

    @cached_property
    def latents(self) -> Float[Tensor, "image m"]:
        """The embedding of every picture."""
        return self.embed(self.faces.images)

    def embed(self, images: Float[Tensor, "some c h w"]) -> Float[Tensor, "some m"]:
        """Embeddings, a few pictures at a time."""
        return torch.cat(side_by_side(self._embed, torch.split(images, 8), through=self.latent_map))

    def _embed(self, images: Float[Tensor, "some c h w"]) -> Float[Tensor, "some m"]:
        with torch.no_grad():
            return self.latent_map(images)

    @cached_property
    def cosines(self) -> Float[Tensor, "image image"]:
        """How alike every two pictures are to the network."""
        unit = torch.nn.functional.normalize(self.latents, dim=1)
        return unit @ unit.T

    @cached_property
    def threshold(self) -> float:
        """The cosine that one in a hundred pairs of two people exceeds."""
        labels = self.faces.labels
        first, second = torch.triu_indices(len(labels), len(labels), offset=1)
        other = labels[first] != labels[second]
        return threshold_at(self.cosines[first[other], second[other]], false_accepts=_FALSE_ACCEPTS)

    @cached_property
    def judges(self) -> tuple[FaceJudge, ...]:
        """Judges that have seen every picture but those under study."""
        kept = torch.ones(len(self.faces.labels), dtype=torch.bool)
        kept[self.places] = False
        return train_face_judges(self.faces.images[kept], self.faces.labels[kept])

    @cached_property
    def sight(self) -> FaceSight:
        """What the network sees at each picture under study, and what it cannot see."""
        return see_faces(self.latent_map, self.probes, self.faces, self.variations, seed=self.seed)

    @cached_property
    def priors(self) -> tuple[Prior, ...]:
        """What images are moved by: any pixels, smooth changes, changes as faces differ; by descent also few edges."""
        return (
            no_prior(self.latent_map),
            smooth_prior(self.latent_map),
            *([face_prior(self.latent_map, self.faces, self.variations)] if self.components else []),
            *([flat_prior(self.latent_map)] if self.num_steps else []),
        )

    def rng(self) -> torch.Generator:
        """A fresh generator with the study's seed."""
        return torch.Generator().manual_seed(self.seed)

"""How well a network reads, of networks that read right, wrong and not at all."""

from dataclasses import replace

import pytest
import torch

from fiberscope.analysis.selection import Selection
from fiberscope.analysis.study.recognition import ask_recognition
from studies import LATENT_SIZE, labelled, linear_study


def with_labels(study, labels):
    return replace(study, images=Selection(study.images.images, study.images.names, labels))


def test_the_share_read_right_is_counted_over_the_labelled_images():
    study = linear_study(reads=True)
    answer = ask_recognition(study)
    assert answer.facts[0] == ("labelled images read right", "100\N{NO-BREAK SPACE}%")
    assert answer.sections[0].finding.endswith("right. This page is about 4 other images.")
    wrong = replace(study, logits=lambda images: -study.logits(images))
    share = (torch.stack([images[:, 0::2].mean(dim=(0, 2)) for images in labelled().images]).argmin(dim=1)) == (
        labelled().labels
    )
    assert float(wrong.hits.double().mean()) == pytest.approx(float(share.double().mean()))


def test_of_images_with_labels_it_says_how_many_are_read_right():
    study = linear_study(reads=True)
    assert (
        ask_recognition(with_labels(study, (0, 1, 2, 0)))
        .sections[0]
        .finding.endswith(", and all 4 that this page is about.")
    )
    assert (
        ask_recognition(with_labels(study, (0, 1, 2, 1)))
        .sections[0]
        .finding.endswith(", and 3 of 4 that this page is about.")
    )


def test_a_network_that_reads_no_class_is_measured_by_its_nearest_latents():
    study = linear_study()
    latents, labels = study.data_reading.latents, study.data.labels
    distances = (latents[:, None] - latents[None]).norm(dim=2) + 1e9 * torch.eye(len(labels))
    share = float((labels[distances.argmin(dim=1)] == labels).double().mean())
    words, value = ask_recognition(study).facts[0]
    assert words == "nearest latents are of one class"
    assert value == f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def test_the_table_says_what_is_read_and_which_partner_each_has():
    study = linear_study(reads=True)
    records = ask_recognition(study).records["recognition"]
    column = {name: [row[i] for row in records.rows] for i, name in enumerate(records.columns)}
    assert column["read_as"] == [0, 1, 2, 0]
    assert column["label"] == [None] * 4
    assert column["partner"] == list(study.partners.names)
    norms = study.latent_map(study.inputs).norm(dim=1)
    assert column["latent_size"] == pytest.approx(norms.tolist())
    assert study.latent_map.latent_size == LATENT_SIZE

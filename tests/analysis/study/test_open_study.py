"""What is opened for a study: units, partners, classes, judges, and its identity."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.selection import select
from fiberscope.analysis.study.identity import identify
from fiberscope.analysis.study.open_study import draw_partners, open_study
from fiberscope.analysis.subject import find_logits
from fiberscope.data import LabelledImages
from fiberscope.problem import FiberscopeError
from studies import NETWORK, SHAPE, labelled, linear_study, write_study

JUDGE = """
import torch

class Stripes(torch.nn.Module):
    def forward(self, images):
        return 100 * images[:, 0, 0::2].mean(dim=2)
"""


@pytest.fixture
def brought(tmp_path):
    """A network, images and labelled images of a user's own."""
    write_study(tmp_path)
    (tmp_path / "judge.py").write_text(JUDGE)
    network = NetworkChoice(model=f"{tmp_path / 'network.py'}:linear", input_shape=SHAPE)
    return tmp_path, network, select([str(tmp_path / "images.npz")], shape=SHAPE)


def test_partners_are_of_another_class_and_follow_the_seed():
    data = labelled()
    first, again, other = (draw_partners(data, [0, 1, 2] * 10, seed=seed) for seed in (1, 1, 2))
    assert all(label != own for label, own in zip(first.labels, [0, 1, 2] * 10, strict=True))
    assert first.names == again.names != other.names
    row = int(first.names[0].split()[1])
    assert torch.equal(first.images[0], data.images[row])


def test_an_image_of_unknown_class_may_have_any_partner():
    assert set(draw_partners(labelled(), [-1] * 60, seed=0).labels) == {0, 1, 2}


def test_data_of_one_class_lends_no_partner():
    data = labelled()
    with pytest.raises(FiberscopeError, match="labelled: all 60 images of stripes are of class 1"):
        draw_partners(replace(data, labels=torch.ones_like(data.labels)), [1], seed=0)


def test_a_module_that_finds_the_labels_reads_classes_and_another_does_not():
    data = labelled()

    class Stripes(torch.nn.Module):
        def forward(self, images):
            return images[:, 0, 0::2].mean(dim=2)

    class Wrong(Stripes):
        def forward(self, images):
            return super().forward(images).roll(1, dims=1)

    assert find_logits(Stripes(), data) is not None
    assert find_logits(Wrong(), data) is None
    assert find_logits(torch.nn.Identity(), data) is None


def test_images_of_a_users_own_shape_need_labelled_ones(brought):
    _, network, images = brought
    with pytest.raises(FiberscopeError, match=r"labelled: no labelled images of shape \(1, 6, 6\) ship"):
        open_study(network, images, seed=0)


def test_labelled_images_set_the_units_and_take_judges_and_generator_of_digits_away(brought):
    folder, network, images = brought
    study, _ = open_study(network, images, seed=0, labelled=folder / "labelled.npz")
    latents = study.latent_map(labelled().images)
    apart = torch.nn.functional.pdist(latents)
    assert 0 < study.scale.within < study.scale.between < float(apart.max())
    assert study.panel is None
    assert study.generator is None
    assert study.noun == "image"
    assert study.logits is None
    assert study.classes.tolist() == [-1] * 4


def test_a_study_of_digits_has_judges_a_generator_and_partners_of_another_class():
    study, network = open_study(NetworkChoice(), select(("0:5",), shape=(1, 28, 28)), seed=0)
    assert network.layer == "encoder"
    assert len(study.panel.judges) > 1
    assert study.generator is not None
    assert study.noun == "digit"
    assert float(study.hits.double().mean()) > 0.99
    assert study.classes.tolist() == list(study.images.labels)
    assert all(own != other for own, other in zip(study.classes.tolist(), study.partners.labels, strict=True))
    assert all(name.startswith("test ") for name in study.partners.names)


def test_a_judge_of_the_users_own_weighs_as_much_as_one_that_ships_on_average():
    images = select(("0",), shape=(1, 28, 28))
    alone, joined = (
        open_study(NetworkChoice(), images, seed=0, judges=judges)[0].panel for judges in ((), ("mnist-classifier",))
    )
    assert [judge.name for judge in joined.judges] == [*(judge.name for judge in alone.judges), "mnist-classifier"]
    assert joined.weights[-1] == pytest.approx(sum(joined.weights[:-1]) / len(alone.judges))


def test_a_judge_of_the_users_own_sits_on_the_panel(brought):
    folder, network, images = brought
    judge = f"{folder / 'judge.py'}:Stripes"
    study, _ = open_study(network, images, seed=0, labelled=folder / "labelled.npz", judges=(judge,))
    assert [each.name for each in study.panel.judges] == ["judge.py:Stripes"]
    assert study.panel.opinions(study.images.images).classes.tolist() == [0, 1, 2, 0]


def test_networks_beside_are_asked_about_the_same_images(brought):
    folder, network, images = brought
    judge = f"{folder / 'judge.py'}:Stripes"
    study, _ = open_study(network, images, seed=0, labelled=folder / "labelled.npz", beside=(judge,))
    (other,) = study.beside
    assert other.images is study.images
    assert other.partners is study.partners
    assert other.logits is not None
    assert other.scale != study.scale


def test_a_latent_as_large_as_the_image_hides_nothing(brought):
    folder, network, images = brought
    (folder / "network.py").write_text(NETWORK.replace("Linear(36, 3", "Linear(36, 36"))
    with pytest.raises(FiberscopeError, match="layer: the latent at output has 36 numbers for images of 36"):
        open_study(network, images, seed=0, labelled=folder / "labelled.npz")


def identity_of(brought, **options):
    folder, network, images = brought
    study, opened = open_study(network, images, seed=0, labelled=folder / "labelled.npz", **options)
    return identify(study, layer=opened.layer)


def differing(one, other):
    return {name for name in one if one[name] != other[name]}


def test_the_same_files_have_the_same_identity(brought):
    assert identity_of(brought) == identity_of(brought)


def test_other_weights_under_the_same_name_are_another_study(brought):
    before = identity_of(brought)
    (brought[0] / "network.py").write_text(NETWORK.replace("manual_seed(0)", "manual_seed(1)"))
    assert differing(before, identity_of(brought)) == {"weights", "source"}


def test_other_images_under_the_same_name_are_another_study(brought):
    before = identity_of(brought)
    folder, network, _ = brought
    np.savez(folder / "images.npz", images=labelled(seed=1).images[:4].numpy())
    changed = folder, network, select([str(folder / "images.npz")], shape=SHAPE)
    assert differing(before, identity_of(changed)) == {"images"}


def test_other_labels_judges_and_networks_beside_are_another_study(brought):
    before = identity_of(brought)
    judge = f"{brought[0] / 'judge.py'}:Stripes"
    assert differing(before, identity_of(brought, judges=(judge,))) == {"judges"}
    assert differing(before, identity_of(brought, beside=(judge,))) == {"beside"}
    data = labelled()
    np.savez(brought[0] / "labelled.npz", images=data.images.numpy(), labels=1 - data.labels.clamp(max=1).numpy())
    assert "data" in differing(before, identity_of(brought))


def test_a_question_gets_the_same_chance_whatever_was_asked_before():
    study = linear_study()
    assert study.rng().initial_seed() == study.rng().initial_seed() == 0
    assert torch.equal(torch.rand(3, generator=study.rng()), torch.rand(3, generator=study.rng()))


def test_the_reading_of_a_batch_is_that_of_its_images_one_by_one():
    study = linear_study(count=3, reads=True)
    for i in range(3):
        alone = study.read(study.images.images[i : i + 1])
        torch.testing.assert_close(alone.latents[0], study.reading.latents[i])
        assert int(alone.classes[0]) == int(study.reading.classes[i]) == i


def test_a_network_is_not_compared_with_itself():
    with pytest.raises(FiberscopeError, match="beside: found mnist-classifier beside mnist-classifier"):
        open_study(NetworkChoice(), select(("0",), shape=(1, 28, 28)), seed=0, beside=("mnist-classifier",))


def test_units_of_a_large_set_that_comes_class_by_class_are_of_all_its_classes():
    data, order = labelled(6300), torch.arange(6300).view(-1, 3).T.flatten()
    by_class = LabelledImages(data.images[order], data.labels[order], "by class")
    mixed, sorted_ = (replace(linear_study(), data=each).scale for each in (data, by_class))
    assert sorted_.between == pytest.approx(mixed.between, rel=0.05)
    assert sorted_.within == pytest.approx(mixed.within, rel=0.05)

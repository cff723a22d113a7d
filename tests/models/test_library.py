import json
import shutil
from pathlib import Path

import pytest
import torch

import fiberscope as fs
from fiberscope import models
from fiberscope.data import mnist
from fiberscope.models import Classifier, ClassifierConfig
from fiberscope.models.adversary import worst_nearby
from fiberscope.problem.errors import ModelError

SHIPPED = Path(models.__file__).parent / "shipped"
NAME = "mnist-classifier"


@pytest.fixture
def folder(tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copyfile(SHIPPED / f"{NAME}{suffix}", tmp_path / f"copy{suffix}")
    return tmp_path


# the network that ships


def test_the_shipped_classifier_reads_99_of_100_digits():
    digits = mnist("test")
    with torch.no_grad():
        hits = (models.load(NAME)(digits.images).argmax(dim=1) == digits.labels).float().mean().item()
    assert hits >= 0.99
    assert hits == pytest.approx(models.card(NAME).quality["accuracy"], abs=0.001)


def test_samples_of_the_shipped_generator_read_as_digits():
    generator, card = models.load("mnist-generator", models.Generator), models.card("mnist-generator")
    coordinates = torch.randn(1000, generator.latent_size, generator=torch.Generator().manual_seed(1))
    probabilities = models.load(NAME)(generator.decoder(coordinates)).softmax(dim=1)
    read = (probabilities.amax(dim=1) > 0.9).double().mean().item()
    assert read > 0.8
    assert read == pytest.approx(card.quality["samples_read"], abs=0.03)
    shares = probabilities.argmax(dim=1).bincount(minlength=10) / 1000
    assert shares.min() > 0.05  # no digit is forgotten


def test_the_shipped_generator_gives_digits_back():
    digits = mnist("test")
    generator, card = models.load("mnist-generator", models.Generator), models.card("mnist-generator")
    with torch.no_grad():
        again = generator(digits.images[:1000])
        kept = (models.load(NAME)(again).argmax(dim=1) == digits.labels[:1000]).double().mean().item()
    assert (again - digits.images[:1000]).square().mean().item() == pytest.approx(
        card.quality["mean_squared_error"], rel=0.1
    )
    assert kept > 0.97


def test_the_shipped_autoencoder_gives_digits_back():
    digits, card = mnist("test"), models.card("mnist-autoencoder")
    network = models.load("mnist-autoencoder", models.Autoencoder)
    with torch.no_grad():
        again = network(digits.images)
        kept = (models.load(NAME)(again).argmax(dim=1) == digits.labels).double().mean().item()
    error = (again - digits.images).square().mean().item()
    assert error == pytest.approx(card.quality["mean_squared_error"], rel=0.01)
    assert error < 0.007
    assert kept > 0.97
    assert network.encoder(digits.images[:1]).shape == (1, 16)


def test_the_shipped_robust_classifier_reads_98_and_a_half_of_100_digits_and_stands_attacks_better():
    digits, card = mnist("test"), models.card("mnist-classifier-robust")
    network = models.load("mnist-classifier-robust", Classifier)
    with torch.no_grad():
        hits = (network(digits.images).argmax(dim=1) == digits.labels).double().mean().item()
    assert hits >= 0.985
    assert hits == pytest.approx(card.quality["accuracy"], abs=0.001)
    assert (card.training.latent_size, card.training.activation) == (8, "relu")
    images, labels = digits.images[:100], digits.labels[:100]

    def under_attack(attacked):
        worst = worst_nearby(attacked, images, labels, radius=1.5, num_steps=20)
        return (attacked(worst).argmax(dim=1) == labels).double().mean().item()

    assert under_attack(network) > 0.7
    assert under_attack(models.load(NAME, Classifier)) < 0.4


def test_the_robust_classifier_is_less_blind_than_the_plain_one():
    digits = mnist("test")
    a, b = digits.images[:8], digits.images[[1, 2, 3, 4, 6, 7, 8, 9]]

    def blindness(name):
        fiber = fs.Fiber.through(fs.LatentMap(models.load(name).encoder, (1, 28, 28)), a, box=fs.Box(0.0, 1.0))
        return (fs.nearest(fiber, b).raise_if_failed().distance / (a - b).flatten(1).norm(dim=1)).median().item()

    assert blindness("mnist-classifier-robust") > 1.2 * blindness(NAME)


def test_its_card_gives_the_command_that_makes_it():
    card = models.card(NAME)
    assert card.training == ClassifierConfig(latent_size=8, activation="relu", epochs=15, seed=0)
    assert card.command == (
        "fiberscope train classifier --latent-size 8 --activation relu --epochs 15 --seed 0 --name mnist-classifier"
    )
    assert (card.train_data, card.test_data) == ("mnist-train, 60000 images", "mnist-test, 10000 images")


def test_the_files_are_small():
    sizes = {path.stem: path.stat().st_size for path in SHIPPED.glob("*.safetensors")}
    assert sizes[NAME] < 2_000_000
    assert max(sizes.values()) < 4_000_000


def test_every_shipped_network_has_weights_and_a_card_and_loads():
    assert NAME in models.available()
    assert {path.stem for path in SHIPPED.iterdir()} == set(models.available())
    for name in models.available():
        card, network = models.card(name), models.load(name)
        assert type(network).__name__ == card.architecture
        assert card.name == name
        assert card.command.endswith(f"--name {name}")
        assert (card.train_data, card.test_data) == ("mnist-train, 60000 images", "mnist-test, 10000 images")


# loading


def test_a_loaded_network_is_ready_to_explore():
    network = models.load(NAME)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network.encoder(torch.zeros(2, 1, 28, 28)).shape == (2, 8)


@pytest.mark.parametrize("name", ["copy.safetensors", "copy.json", "."])
def test_weights_card_and_folder_name_the_same_network(folder, name):
    found = models.load(folder / name).state_dict()
    assert all(torch.equal(tensor, found[key]) for key, tensor in models.load(NAME).state_dict().items())
    assert models.card(str(folder / name)) == models.card(NAME)


@pytest.mark.parametrize(
    ("name", "meant"), [("mnist-clasifier", NAME), ("classifier", NAME), ("mnist-genrator", "mnist-generator")]
)
def test_an_unknown_name_is_answered_with_the_closest(name, meant):
    with pytest.raises(ModelError, match=rf"'{name}' is neither .* Did you mean {meant}\?.*file\.py:factory"):
        models.load(name)


def test_a_name_like_no_other_is_answered_with_all():
    with pytest.raises(ModelError, match=rf"neither a name that ships \(.*{NAME}.*\)") as refusal:
        models.load("qqqq")
    assert "Did you mean" not in str(refusal.value)


def test_weights_without_a_card_are_refused(folder):
    (folder / "copy.json").unlink()
    with pytest.raises(ModelError, match=r"copy\.safetensors has no card copy\.json beside it.*copy the card too"):
        models.load(folder / "copy.safetensors")


def test_a_card_without_weights_is_refused(folder):
    (folder / "copy.safetensors").unlink()
    with pytest.raises(ModelError, match=r"copy\.safetensors is missing beside its card"):
        models.load(folder / "copy.json")


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-1], lambda whole: whole[:-1] + bytes([whole[-1] ^ 1])],
    ids=["truncated", "altered"],
)
def test_damaged_weights_are_refused(folder, damage):
    path = folder / "copy.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=r"copy\.safetensors is truncated or altered.*train again with `fiberscope"):
        models.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": 1}', "[" * 10**5, "1" * 5000, '{"test_accuracy": 1}'])
def test_a_file_that_is_no_card_is_refused(folder, text):
    (folder / "copy.json").write_text(text)
    with pytest.raises(ModelError, match=r"copy\.json is not the card of a model trained by fiberscope"):
        models.load(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_size", 10**12), ("latent_size", 2**70), ("latent_size", 8.5), ("latent_size", float("nan")),
        ("latent_size", "8"), ("latent_size", True), ("activation", []), ("epochs", float("inf")), ("seed", None),
        ("learning_rate", 10**500), ("quality", [1]), ("quality", {"accuracy": "good"}), ("num_parameters", -1),
        ("architecture", ["Classifier"]), ("training", 3), ("sha256", 3), ("command", "\x1b[2J"), ("name", {}),
    ],
)  # fmt: skip
def test_a_card_of_other_kinds_of_values_is_refused(folder, name, value):
    card = json.loads((folder / "copy.json").read_text())
    (card["training"] if name in card["training"] else card)[name] = value
    (folder / "copy.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"copy\.json is not the card of a model trained by fiberscope") as refusal:
        models.load(folder)
    assert str(refusal.value).isprintable()


def test_a_card_of_the_first_version_is_still_read(folder):
    card = json.loads((folder / "copy.json").read_text())
    del card["quality"], card["training"]["robust_radius"], card["training"]["robust_steps"]
    card["test_accuracy"] = 0.25
    (folder / "copy.json").write_text(json.dumps(card))
    assert models.card(folder).quality == {"accuracy": 0.25}
    assert models.card(folder).training == ClassifierConfig()


def test_a_card_of_an_unknown_architecture_is_refused_with_its_name(folder):
    card = json.loads((folder / "copy.json").read_text())
    (folder / "copy.json").write_text(json.dumps(card | {"architecture": "Transformer"}))
    with pytest.raises(ModelError, match=r"architecture 'Transformer' is none of Classifier, Autoencoder, Generator"):
        models.load(folder)


def test_a_card_with_an_unknown_choice_is_refused_with_its_name(folder):
    card = json.loads((folder / "copy.json").read_text())
    card["training"]["dropout"] = 0.5
    (folder / "copy.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"unknown: \['dropout'\]"):
        models.card(folder)


def test_a_folder_with_several_models_asks_which(folder):
    for suffix in (".safetensors", ".json"):
        shutil.copyfile(folder / f"copy{suffix}", folder / f"another{suffix}")
    with pytest.raises(ModelError, match=r"holds several models \(another\.json, copy\.json\); name one"):
        models.load(folder)


def test_a_folder_without_models_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"holds no finished model .*name another folder"):
        models.load(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "weights.pt").touch()
    with pytest.raises(ModelError, match=r"weights\.pt is neither \.safetensors nor \.json; .* file\.py:factory"):
        models.load(tmp_path / "weights.pt")


def test_a_network_of_another_kind_than_the_one_wanted_is_refused_with_those_that_ship(folder):
    assert type(models.load(NAME, Classifier)) is Classifier
    with pytest.raises(ModelError, match=rf"model '{NAME}' is a Classifier, wanted a Generator; "):
        models.load(NAME, models.Generator)


# the front door


def test_the_front_door_opens_for_names_paths_and_factories(folder, tmp_path):
    (tmp_path / "net.py").write_text("from fiberscope.models import Classifier\ndef net(): return Classifier()")
    image = torch.zeros(1, 1, 28, 28)
    logits = models.load(NAME)(image)
    assert torch.equal(models.resolve(NAME)(image), logits)
    assert torch.equal(models.resolve(str(folder))(image), logits)
    spec = f"{tmp_path}/net.py:net"
    assert torch.equal(models.resolve(spec, folder / "copy.safetensors")(image), logits)
    assert not torch.equal(models.resolve(spec)(image), logits)


def test_weights_beside_a_model_that_has_its_own_are_refused(folder):
    with pytest.raises(ModelError, match=rf"copy\.safetensors are given, but model '{NAME}' has its own; leave"):
        models.resolve(NAME, folder / "copy.safetensors")


def test_a_python_file_without_its_factory_is_refused():
    with pytest.raises(ModelError, match=r"model 'net\.py' lacks its factory; write net\.py:NAME"):
        models.resolve("net.py")

"""Networks by files of torch.export and by names of timm, torchvision and Hugging Face, without network."""

import io
import json
import pickle
import re
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

import fiberscope as fs
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.layers import run_layers
from fiberscope.analysis.network import open_network
from fiberscope.models import open_model
from fiberscope.models.chunks import Chunked
from fiberscope.models.opened import RANDOM
from fiberscope.problem import MissingPackageError, ModelError

IMAGES = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU())
        self.fc = nn.Linear(4 * 36, 5)

    def forward(self, images):
        return self.fc(self.features(images).flatten(1))


def export(folder, *, images=IMAGES[:2], any_batch=True, module=None):
    torch.manual_seed(0)
    module = (module or Small()).eval()
    sizes = ({0: torch.export.Dim("batch")},) if any_batch else None
    with warnings.catch_warnings():  # of torch's own insides
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (images,), dynamic_shapes=sizes), folder / "net.pt2")
    return module


def changed(path, change):
    """Rewrite the archive with some records changed: their content by name, or None to leave one out."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    records = change(records)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    return path


# exported programs


def test_an_exported_program_is_the_network_with_its_layers(tmp_path):
    module = export(tmp_path)
    network = open_network(NetworkChoice(model=str(tmp_path / "net.pt2"), layer="features.1"))
    assert network.latent_map.input_shape == (1, 8, 8)
    torch.testing.assert_close(network.latent_map(IMAGES), module.features[:2](IMAGES).flatten(1).detach())
    assert network.weights_sha256 is not None


def test_a_program_for_one_size_of_batch_takes_any_in_chunks_but_its_layers_are_refused(tmp_path):
    module = export(tmp_path, any_batch=False)
    opened = open_model(str(tmp_path / "net.pt2"))
    assert isinstance(opened.module, Chunked)
    torch.testing.assert_close(opened.module(IMAGES), module(IMAGES).detach())
    assert fs.LatentMap(opened.module, (1, 8, 8)).latent_size == 5
    with pytest.raises(ModelError, match=r"'fc' cannot be taken .* one size of batch.*dynamic_shapes"):
        open_network(NetworkChoice(model=str(tmp_path / "net.pt2"), layer="fc"))
    assert "output alone can be a latent" in run_layers(NetworkChoice(model=str(tmp_path / "net.pt2"))).summary


def test_a_program_of_integers_is_refused(tmp_path):
    export(tmp_path, images=torch.zeros(2, 3, dtype=torch.long), module=nn.Embedding(4, 2))
    with pytest.raises(ModelError, match=r"takes torch.int64, and nothing can be differentiated through integers"):
        open_model(str(tmp_path / "net.pt2"))


def test_a_program_of_images_of_any_size_is_refused(tmp_path):
    sizes = ({0: torch.export.Dim("batch"), 2: torch.export.Dim("height", min=4)},)
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (IMAGES[:2],), dynamic_shapes=sizes), tmp_path / "net.pt2")
    with pytest.raises(ModelError, match="with the batch alone of any size; export it again"):
        open_model(str(tmp_path / "net.pt2"))


def test_a_file_that_broke_off_or_is_a_state_dict_is_refused(tmp_path):
    export(tmp_path)
    path = tmp_path / "net.pt2"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ModelError, match="is truncated or no exported program"):
        open_model(str(path))
    torch.save(Small().state_dict(), path)
    with pytest.raises(ModelError, match="A state dict is no network: give it as --weights"):
        open_model(str(path))


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("a-pickle-was-run"),))


def with_pickle_of_inputs(records):
    name = next(name for name in records if "sample_inputs" in name)
    buffer = io.BytesIO()
    torch.save(Bomb(), buffer)
    return {**records, name: buffer.getvalue()}


def with_pickled_constant(records):
    name = next(name for name in records if name.endswith("constants_config.json"))
    meta = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    bomb = {name.replace("model_constants_config.json", "opaque_obj_0"): pickle.dumps(Bomb())}
    return {**records, name: json.dumps({"config": {"c": meta}}).encode(), **bomb}


def with_foreign_operator(records):
    name = next(name for name in records if name.endswith("models/model.json"))
    return {**records, name: records[name].replace(b"torch.ops.aten.gelu.default", b"torch.hub.load")}


def with_expression(records):
    name = next(name for name in records if name.endswith("models/model.json"))
    return {**records, name: re.sub(rb"Symbol\('s\d+'", b"open('a-pickle-was-run'", records[name])}


def with_library(records):
    root = next(iter(records)).split("/")[0]
    return {**records, f"{root}/data/aotinductor/model/x.so": b"\x7fELF"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_pickle_of_inputs, "holds more than tensors"),
        (with_pickled_constant, "opaque_obj_0 is no tensor|names a pickle"),
        (with_foreign_operator, r"operator 'torch\.hub\.load' is none of torch's own"),
        (with_expression, "is no arithmetic"),
        (with_library, "aotinductor/model/x.so is no tensor and no graph"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_archive_that_could_run_code_is_refused_unrun(tmp_path, monkeypatch, change, reason):
    export(tmp_path)
    monkeypatch.chdir(tmp_path)
    path = changed(tmp_path / "net.pt2", change)
    with pytest.raises(ModelError, match=f"could run code that it brings.*({reason})"):
        open_model(str(path))
    assert not (tmp_path / "a-pickle-was-run").exists()


# names


def test_timm_says_what_it_wants_of_images_and_its_weights_come_from_a_file(tmp_path):
    opened = open_model("timm:test_resnet", RANDOM)
    assert (opened.input_shape, opened.weights) == ((3, 160, 160), "random")
    assert opened.preprocessing.mean == pytest.approx((0.485, 0.456, 0.406), abs=0.1)
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            open_model("timm:test_resnet", RANDOM).module.parameters(), opened.module.parameters(), strict=True
        )
    )
    # fine-tuned for three classes
    state = {name: tensor + 1 for name, tensor in opened.module.state_dict().items()}
    state |= {"fc.weight": torch.ones(3, state["fc.weight"].shape[1]), "fc.bias": torch.zeros(3)}
    safetensors.torch.save_file(state, tmp_path / "mine.safetensors")
    own = open_model("timm:test_resnet", tmp_path / "mine.safetensors").module
    assert torch.equal(own.fc.weight, state["fc.weight"])
    assert not own.training


def test_torchvision_takes_weights_of_another_number_of_classes(tmp_path):
    from fiberscope.models.torchvision_package import torchvision

    network = torchvision().models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=4)
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    opened = open_model("torchvision:shufflenet_v2_x0_5", tmp_path / "mine.pth")
    assert torch.equal(opened.module.fc.weight, network.fc.weight)
    assert opened.input_shape == (3, 224, 224)
    assert opened.preprocessing.std == (0.229, 0.224, 0.225)


@pytest.mark.parametrize("name", ["timm:resnet18", "torchvision:resnet18"])
def test_nothing_is_downloaded_unasked(name, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"weights are not on this machine .*--weights FILE.*--weights random"):
        open_model(name)


def test_hugging_face_reads_a_folder_with_its_preprocessing(tmp_path):
    from fiberscope.models.hugging_face import transformers

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    configuration = transformers.ViTConfig(**sizes, image_size=16, patch_size=8, num_labels=3)
    torch.manual_seed(0)
    network = transformers.ViTForImageClassification(configuration).eval()
    network.save_pretrained(tmp_path)
    words = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "do_rescale": True, "rescale_factor": 1 / 255}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(words))

    opened = open_model(f"hf:{tmp_path}")
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(opened.module(images), network(images).logits.detach())
    assert (opened.input_shape, opened.preprocessing.std) == ((3, 16, 16), (0.25, 0.25, 0.25))
    assert opened.preprocessing.scale == 1.0
    whole = fs.models.resolve(f"hf:{tmp_path}")
    torch.testing.assert_close(whole(images), network((images - 0.5) / 0.25).logits.detach())
    assert open_network(NetworkChoice(model=f"hf:{tmp_path}", layer="vit.layernorm")).latent_map.latent_size == 40

    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"weights are not on this machine \(no model.safetensors"):
        open_model(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("model", "module", "extra"),
    [
        ("net.onnx", "onnx_file", "onnx"),
        ("timm:x", "timm_names", "vision"),
        ("torchvision:x", "torchvision_names", "vision"),
        ("hf:x", "hugging_face", "huggingface"),
    ],
)
def test_a_missing_extra_is_named(model, module, extra, monkeypatch):
    monkeypatch.delitem(sys.modules, f"fiberscope.models.{module}", raising=False)
    for package in ("onnx2torch", "timm", "torchvision", "transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"not installed .*pip install 'fiberscope\[{extra}\]'"):
        open_model(model)


# what is taken from the model, and from the user


def test_images_in_other_channels_are_refused_with_the_option_that_helps(tmp_path):
    export(tmp_path)
    choice = NetworkChoice(model=str(tmp_path / "net.pt2"), input_shape=(3, 8, 8))
    with pytest.raises(fs.FiberscopeError, match=r"have 3 channels, .* takes 1. Say how .*--channels grey"):
        open_network(choice)


def test_what_the_user_chooses_is_part_of_the_latent_map(tmp_path):
    module = export(tmp_path)
    choice = NetworkChoice(
        model=str(tmp_path / "net.pt2"), input_shape=(3, 16, 16), channels="grey", resize=(8, 8), scale=255.0,
        mean=(127.0,), std=(128.0,), normalise_latent=True,
    )  # fmt: skip
    network = open_network(choice)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    luma = torch.einsum("bchw,c->bhw", images, torch.tensor([0.299, 0.587, 0.114]))[:, None]
    small = nn.functional.interpolate(luma, size=(8, 8), mode="bilinear", antialias=True)
    wanted = nn.functional.normalize(module((255 * small - 127) / 128).detach())
    torch.testing.assert_close(network.latent_map(images), wanted, rtol=1e-4, atol=1e-5)


def test_layers_are_listed_in_the_order_in_which_they_run(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    input_shape = (1, 8, 8)\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.late, self.idle, self.twice = nn.Linear(64, 3), nn.Linear(2, 2), nn.Tanh()\n"
        "        self.early, self.recur = nn.Flatten(), nn.LSTM(64, 64)\n"
        "    def forward(self, x):\n"
        "        x = self.early(x)\n"
        "        return self.twice(self.late(self.twice(self.recur(x)[0])))\n"
    )
    finding = run_layers(NetworkChoice(model=f"{tmp_path}/net.py:Net"))
    rows = {row[0]: row[2:] for row in finding.rows}
    assert list(rows) == ["early", "recur", "late", "twice"]
    assert rows["early"] == ("64", "64", "1", "yes, but m >= n: nothing has to be invisible")
    assert rows["late"] == ("3", "3", "1", "yes")
    assert rows["recur"][3] == "no: gives a tuple, no tensor"
    assert rows["twice"][2:] == ("2", "no: runs more than once")
    assert finding.summary.startswith("2 of 4 layers can be a latent")

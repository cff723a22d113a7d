"""Weights as trainers save them: what is read, what is said of it, and what is refused."""

import argparse
import json
import pickle
import struct
import zipfile

import pytest
import safetensors.torch
import torch
from torch import nn

from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.layers import run_layers
from fiberscope.models import open_model, torch_pickle
from fiberscope.models.weights import load_weights
from fiberscope.problem.errors import ModelError

TIED = """
import torch
from torch import nn

class Tied(nn.Module):
    input_shape = (1, 6, 6)

    def __init__(self):
        super().__init__()
        self.inlet, self.norm = nn.Linear(36, 6), nn.BatchNorm1d(6)
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)
        self.two.weight = self.one.weight

    def forward(self, x):
        return self.two(self.one(self.norm(self.inlet(x.flatten(1)))).tanh())

def compiled():
    return nn.Sequential(torch.compile(Tied(), backend="eager"))

def meta():
    with torch.device("meta"):
        return Tied()
"""
IMAGES = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "own.py").write_text(TIED)
    return tmp_path / "own.py"


@pytest.fixture
def own(file):
    scope = {}
    exec(TIED, scope)
    torch.manual_seed(1)
    return scope["Tied"]().eval()


def opens(file, own, path, factory="Tied"):
    """What is said of the weights, of a network that gives what `own` gives."""
    opened = open_model(f"{file}:{factory}", path)
    assert torch.allclose(opened.module(IMAGES), own(IMAGES))
    return opened.weights.removeprefix(str(path)).strip(" ()")


def refuses(file, path, factory="Tied"):
    with pytest.raises(ModelError) as refusal:
        open_model(f"{file}:{factory}", path)
    assert str(path) in str(refusal.value)
    return str(refusal.value)


def saved(found, path):
    torch.save(found, path)
    return path


def test_a_tensor_that_is_stored_once_serves_both_of_its_names(file, own, tmp_path):
    safetensors.torch.save_model(own, str(tmp_path / "w.safetensors"))
    assert "two.weight tied to one.weight" in opens(file, own, tmp_path / "w.safetensors").replace(
        "one.weight tied to two.weight", "two.weight tied to one.weight"
    )


def test_two_values_for_one_tensor_are_refused(file, own, tmp_path):
    state = own.state_dict() | {"two.weight": own.one.weight + 1}
    assert "are one tensor of the network, and the file has two" in refuses(file, saved(state, tmp_path / "w.pt"))


def test_counters_of_batches_may_be_absent(file, own, tmp_path):
    state = {name: tensor for name, tensor in own.state_dict().items() if "num_batches" not in name}
    said = opens(file, own, saved(state, tmp_path / "w.pt"))
    assert said == "1 num_batches_tracked as the network has them"


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "model._orig_mod.", "net.encoder."])
def test_one_prefix_of_all_names_goes_and_is_told(file, own, tmp_path, prefix):
    state = {prefix + name: tensor for name, tensor in own.state_dict().items()}
    assert "names without" in opens(file, own, saved(state, tmp_path / "w.pt"))


def test_weights_without_the_prefix_of_a_wrapped_network_are_read(own, tmp_path):
    wrapped = nn.ModuleDict({"module": type(own)()})
    assert "names behind 'module.'" in load_weights(wrapped, saved(own.state_dict(), tmp_path / "w.pt"))
    assert torch.equal(wrapped["module"].eval()(IMAGES), own(IMAGES))


def test_compiled_layers_are_read_by_their_plain_names(file, own, tmp_path):
    state = {f"0._orig_mod.{name}": tensor for name, tensor in own.state_dict().items()}
    assert opens(file, own, saved(state, tmp_path / "w.pt"), "compiled") == "names without '_orig_mod.'"


def test_the_name_of_another_layer_is_no_prefix(tmp_path):
    (tmp_path / "own.py").write_text(
        "from torch import nn\ndef make(): return nn.ModuleDict({'fc': nn.Linear(2, 2)})\n"
    )
    state = {f"head.{name}": tensor for name, tensor in nn.Linear(2, 2).state_dict().items()}
    message = refuses(tmp_path / "own.py", saved(state, tmp_path / "w.pt"), "make")
    assert "missing: fc.weight, fc.bias; unexpected: head.weight, head.bias" in message


@pytest.mark.parametrize("entry", ["state_dict", "model_state_dict", "model", "network", "net", "weights"])
def test_a_state_dict_within_a_checkpoint_is_read_and_its_entry_told(file, own, tmp_path, entry):
    checkpoint = {"epoch": 3, entry: own.state_dict(), "optimizer": {"state": {}, "param_groups": []}}
    assert opens(file, own, saved(checkpoint, tmp_path / "w.pt")) == f"entry '{entry}'"


def test_of_two_state_dicts_the_one_that_was_taken_is_told(file, own, tmp_path):
    averages = {name: torch.zeros_like(tensor) for name, tensor in own.state_dict().items()}
    checkpoint = {"model_ema": averages, "model": own.state_dict()}
    assert opens(file, own, saved(checkpoint, tmp_path / "w.pt")) == "entry 'model' and not 'model_ema'"


def test_a_lightning_checkpoint_is_read(file, own, tmp_path):
    state = {f"model.{name}": tensor for name, tensor in own.state_dict().items()}
    checkpoint = {"epoch": 3, "global_step": 9, "state_dict": state, "hyper_parameters": {"lr": 0.1}, "loops": {}}
    said = opens(file, own, saved(checkpoint, tmp_path / "last.ckpt"))
    assert said == "entry 'state_dict'; names without 'model.'"


def test_the_average_of_a_network_is_read(file, own, tmp_path):
    state = torch.optim.swa_utils.AveragedModel(own).state_dict()
    assert opens(file, own, saved(state, tmp_path / "w.pt")) == "names without 'module.'"


def test_the_refusal_of_a_checkpoint_names_what_it_holds_and_what_to_write_works(file, own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoint = {"state_dict": own.state_dict(), "hyper_parameters": argparse.Namespace(rate=1)}
    said = refuses(file, saved(checkpoint, tmp_path / "last.ckpt"))
    assert "argparse.Namespace" in said
    exec(said[said.index("torch.save(") :], {"torch": torch})
    assert opens(file, own, tmp_path / "weights.pt") == ""


def test_layers_tell_what_was_done_to_the_weights(file, own, tmp_path):
    path = saved({"model": own.state_dict()}, tmp_path / "w.pt")
    finding = run_layers(NetworkChoice(model=f"{file}:Tied", weights=path))
    assert f"weights: {path} (entry 'model')" in finding.summary


def test_the_state_of_an_optimiser_is_told_from_weights(file, own, tmp_path):
    adam = torch.optim.Adam(own.parameters())
    for found in (adam.state_dict(), {"optimizer": adam.state_dict(), "epoch": 1}):
        assert "state of an optimiser and no network's" in refuses(file, saved(found, tmp_path / "w.pt"))


def with_first(state, change):
    name = next(iter(state))
    return {**state, name: change(state[name])}


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor", "ignore:The PyTorch API of nested")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensor: tensor.to(torch.int8), "is torch.int8, wanted torch.float32"),
        (lambda tensor: tensor.to_sparse(), "is sparse or quantised"),
        (lambda tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8), "is sparse or quantised"),
        (lambda tensor: torch.nested.nested_tensor([tensor]), "_rebuild_nested_tensor"),
        (lambda tensor: torch.full_like(tensor, torch.nan), "holds NaN"),
        (lambda tensor: tensor.to("meta"), "has a shape and no values"),
        (lambda tensor: tensor[:1], "of another shape"),
    ],
)
def test_tensors_that_are_no_weights_are_refused(file, own, tmp_path, change, said):
    assert said in refuses(file, saved(with_first(own.state_dict(), change), tmp_path / "w.pt"))


def test_weights_give_values_to_a_network_on_the_meta_device(file, own, tmp_path):
    opens(file, own, saved(own.state_dict(), tmp_path / "w.pt"), "meta")


# other files, and hostile ones


@pytest.mark.filterwarnings("ignore:.torch.jit")
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".torchscript"])
def test_torchscript_is_named_with_what_to_do(file, tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(36, 4))).save(str(path))
    with pytest.raises(ModelError, match=r"is TorchScript, .*return torch\.jit\.load.*--model file\.py:net"):
        open_model(str(path))
    if suffix != ".torchscript":
        assert "is TorchScript" in refuses(file, path)


def test_a_checkpoint_is_no_network(tmp_path):
    with pytest.raises(ModelError, match="is a file of weights, and no network"):
        open_model(str(tmp_path / "last.ckpt"))


def test_packed_archives_are_refused_before_they_are_unpacked(file, own, tmp_path):
    path = saved({"a": torch.zeros(10**6)}, tmp_path / "w.pt")
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    assert "is packed" in refuses(file, path)


def with_pickle(found, path):
    saved({"a": torch.zeros(3)}, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in records.items():
            archive.writestr(name, found if name.endswith("data.pkl") else content)
    return path


GROWING = {
    "a bytearray": b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x70\x85R.",
    "a codec that doubles": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.",
    "a tensor of any size": b"\x80\x02ctorch\nTensor\nJ\x00\x00\x00\x30\x85R.",
    "lists without number": b"\x80\x02(" + b"]" * 2**11 + b"l.",
    "a text that is not there": b"\x80\x02X\xff\xff\xff\xffa.",
}


@pytest.mark.parametrize("content", GROWING.values(), ids=GROWING)
def test_pickles_that_grow_are_refused_before_torch_reads_them(file, tmp_path, monkeypatch, content):
    path = with_pickle(content, tmp_path / "w.pt")
    asked = []
    monkeypatch.setattr(torch, "load", lambda *_, **__: asked.append(1))
    monkeypatch.setattr(torch_pickle, "_MOST_STEPS", 2**10)
    assert refuses(file, path)
    assert not asked


def test_an_old_file_is_read_and_its_lengths_are_held_to_its_bytes(file, own, tmp_path, monkeypatch):
    torch.save(own.state_dict(), tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    assert opens(file, own, tmp_path / "w.pt") == ""
    content = (tmp_path / "w.pt").read_bytes()
    place = content.index(b"X\x07\x00\x00\x00storage") + 1
    (tmp_path / "w.pt").write_bytes(content[:place] + b"\xff\xff\xff\x7f" + content[place + 4 :])
    asked = []
    monkeypatch.setattr(torch, "load", lambda *_, **__: asked.append(1))
    assert "is truncated or damaged (ValueError)" in refuses(file, tmp_path / "w.pt")
    assert not asked


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_pointer_of_git_lfs_is_told_from_weights(file, tmp_path, name):
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "git lfs pull" in refuses(file, tmp_path / name)


def test_a_plain_pickle_is_none_of_torch(file, tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": 1}))
    assert "is no file that torch.save wrote" in refuses(file, tmp_path / "w.pt")


@pytest.mark.parametrize("door", ["timm", "torchvision"])
def test_a_head_of_rows_without_number_builds_no_network(tmp_path, door):
    safetensors.torch.save_file({"fc.weight": torch.zeros(10**7, 0)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="10000000 classes"):
        open_model(f"{door}:resnet18", tmp_path / "w.safetensors")


def header(found):
    text = found if isinstance(found, bytes) else json.dumps(found).encode()
    return struct.pack("<Q", len(text)) + text


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
HOSTILE = {
    "a header longer than the file": struct.pack("<Q", 2**40) + b"{}",
    "a header that is longer than any": header({"a": "x" * 2**24}),
    "a name twice": header(b'{"a":%b,"a":%b}' % (2 * (json.dumps(ONE).encode(),))) + bytes(4),
    "tensors that overlap": header({"a": ONE, "b": ONE}) + bytes(4),
    "a tensor beyond the end": header({"a": ONE | {"shape": [2**40], "data_offsets": [0, 2**42]}}) + bytes(4),
    "sizes that overflow": header({"a": ONE | {"shape": [2**63, 2**63]}}) + bytes(4),
    "a kind that there is not": header({"a": ONE | {"dtype": "F3"}}) + bytes(4),
    "lists of lists": header(b"[" * 10**5),
    "a list": header([]),
    "names that steer terminals": header({"\x1b[2J": ONE | {"shape": [3]}}) + bytes(4),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_safetensors_are_refused(file, tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    assert "\x1b" not in refuses(file, tmp_path / "w.safetensors")

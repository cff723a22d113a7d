import warnings
from pathlib import Path

import pytest
import safetensors.torch
import torch

import fiberscope as fs
from fiberscope import models
from fiberscope.problem.errors import ModelError

NETWORK = """
import torch

class Small(torch.nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.flatten = torch.nn.Flatten()
        self.latent = torch.nn.Linear(784, size)

    def forward(self, images):
        return self.latent(self.flatten(images))

def small():
    return Small()

def larger():
    return Small(5)

def typed_wrong():
    return "a network"

def broken():
    return find_layer()

def find_layer():
    raise KeyError("no such layer")

constant = 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "networks.py"
    path.write_text(NETWORK)
    return path


@pytest.fixture
def state(file):
    torch.manual_seed(5)
    return models.load_user(f"{file}:small").state_dict()


def is_frozen(network):
    return not network.training and not any(parameter.requires_grad for parameter in network.parameters())


def test_the_factory_gives_the_network_ready_to_explore(file):
    network = models.load_user(f"{file}:small")
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 3)
    assert is_frozen(network)


def test_a_class_without_arguments_is_a_factory_too(file):
    assert is_frozen(models.load_user(f"{file}:Small"))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_weights_replace_those_of_the_factory(file, state, tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    safetensors.torch.save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    network = models.load_user(f"{file}:small", path)
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert is_frozen(network)


def test_two_files_of_one_name_are_two_modules(tmp_path):
    for folder, size in (("a", 3), ("b", 4)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(f"import torch\ndef net(): return torch.nn.Linear(784, {size})")
    sizes = [models.load_user(f"{tmp_path / folder}/net.py:net").out_features for folder in ("a", "b")]
    assert sizes == [3, 4]


def test_the_file_may_import_its_neighbours_and_the_path_is_put_back(tmp_path):
    import sys

    (tmp_path / "a_neighbour_of_the_net.py").write_text("SIZE = 6")
    (tmp_path / "net.py").write_text(
        "import torch\nfrom a_neighbour_of_the_net import SIZE\ndef net(): return torch.nn.Linear(784, SIZE)"
    )
    before = list(sys.path)
    assert models.load_user(f"{tmp_path}/net.py:net").out_features == 6
    assert sys.path == before


# what is wrong with the file or the factory


@pytest.mark.parametrize("spec", ["networks", "networks.py:", ":small"])
def test_a_spec_without_file_or_factory_is_refused(spec):
    with pytest.raises(ModelError, match=r"is not file\.py:factory; name the function"):
        models.load_user(spec)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file .*nowhere\.py; check the path"):
        models.load_user(f"{tmp_path}/nowhere.py:small")


def test_a_missing_factory_is_answered_with_close_names(file):
    with pytest.raises(ModelError, match=r"networks\.py has no function smal; it has small.*: name the one"):
        models.load_user(f"{file}:smal")


def test_a_factory_unlike_all_is_answered_with_every_name(file):
    with pytest.raises(ModelError, match=r"it has Small, small, larger, typed_wrong, broken, find_layer: name the one"):
        models.load_user(f"{file}:constant")


def test_an_error_of_the_factory_is_shown_with_its_line(file):
    line = NETWORK.splitlines().index('    raise KeyError("no such layer")') + 1
    with pytest.raises(
        ModelError, match=rf"networks\.py, line {line}: broken\(\) failed with KeyError: 'no such layer'"
    ):
        models.load_user(f"{file}:broken")


def test_an_error_while_importing_is_shown_with_its_line(tmp_path):
    (tmp_path / "bad.py").write_text("import torch\nimport a_package_that_is_not_installed\n")
    with pytest.raises(ModelError, match=r"bad\.py, line 2: importing it failed with ModuleNotFoundError"):
        models.load_user(f"{tmp_path}/bad.py:net")


def test_a_syntax_error_is_shown(tmp_path):
    (tmp_path / "bad.py").write_text("def net(:\n")
    with pytest.raises(ModelError, match=r"bad\.py: importing it failed with SyntaxError: .*line 1"):
        models.load_user(f"{tmp_path}/bad.py:net")


def test_a_file_that_exits_does_not_take_fiberscope_with_it(tmp_path):
    (tmp_path / "bad.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(ModelError, match=r"importing it failed with SystemExit: 3"):
        models.load_user(f"{tmp_path}/bad.py:net")


def test_a_factory_that_returns_no_module_is_refused(file):
    with pytest.raises(ModelError, match=r"typed_wrong\(\) returned str, wanted torch\.nn\.Module"):
        models.load_user(f"{file}:typed_wrong")


# what a factory may return


def make(tmp_path, body):
    head = "import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
    head += "X, B = torch.zeros(2, 1, 6, 6), torch.export.Dim('b')\n"
    network = "N = nn.Sequential(nn.Flatten(), nn.Linear(36, 4)).eval()\n"
    (tmp_path / "own.py").write_text(f"{head}{network}\ndef make():\n    {body}\n")
    return f"{tmp_path}/own.py:make"


@pytest.mark.filterwarnings("ignore:.torch.jit")
@pytest.mark.parametrize(
    "body",
    [
        "return torch.jit.script(N)",
        "return torch.jit.trace(N, X)",
        "return torch.jit.freeze(torch.jit.script(N))",
        "return nn.Sequential(torch.jit.freeze(torch.jit.script(N)))",
        "return torch.export.export(N, (X,), dynamic_shapes=({0: B},)).module()",
        "return nn.DataParallel(N)",
        "return nn.Sequential(torch.compile(N, backend='eager'))",
    ],
)
def test_networks_that_torch_made_of_networks_are_explored(tmp_path, body):
    with warnings.catch_warnings():  # of torch's own insides
        warnings.simplefilter("ignore")
        network = models.open_model(make(tmp_path, body)).module
    images = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    fiber = fs.Fiber.through(fs.LatentMap(network, (1, 6, 6)), images[:1])
    assert fs.project(fiber, images[1:]).outcome[0] is fs.Outcome.CONVERGED
    assert is_frozen(network)


def test_layers_keep_their_names_behind_what_training_put_around_them(tmp_path):
    network = models.load_user(
        make(tmp_path, "return nn.DataParallel(nn.Sequential(torch.compile(N, backend='eager')))")
    )
    assert [name for name, _ in network.named_modules()] == ["", "0", "0.0", "0.1"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return nn.Sequential(nn.LazyLinear(4))", r"open until a first pass \(0\.weight, 0\.bias\).*network\(torch"),
        ("return N.to('meta')", r"on the meta device, without values \(1\.weight, 1\.bias\).*--weights FILE"),
        ("return nn.ReLU", r"returned the class ReLU, wanted torch\.nn\.Module; return an instance: ReLU\(\)"),
        ("return lambda images: images", r"returned function, .*make a module of the function"),
        ("return N, 3", r"returned tuple, .*return the network alone"),
        ("N", r"returned nothing, .*return the network"),
    ],
)
def test_what_is_no_network_yet_is_refused_with_what_to_return(tmp_path, body, said):
    with pytest.raises(ModelError, match=said):
        models.load_user(make(tmp_path, body))


def test_an_async_factory_is_refused(tmp_path):
    (tmp_path / "own.py").write_text("async def make(): pass")
    with pytest.raises(ModelError, match=r"returned a coroutine, .*write it without async"):
        models.load_user(f"{tmp_path}/own.py:make")


def test_a_factory_that_wants_arguments_is_refused_with_their_names(tmp_path):
    (tmp_path / "own.py").write_text("def make(size, *rest, depth, wide=3, **others): pass")
    with pytest.raises(ModelError, match=r"make wants size, depth, and is called without arguments"):
        models.load_user(f"{tmp_path}/own.py:make")


def test_what_a_factory_prints_is_no_output_of_the_command(tmp_path, capsys):
    models.load_user(make(tmp_path, "print('hello'); return N"))
    assert capsys.readouterr() == ("", "hello\n")


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    (tmp_path / "own.py").write_bytes("x = 1\ny = 'ä'\n".encode("latin-1"))
    with pytest.raises(ModelError, match=r"importing it failed with SyntaxError: .*'utf-8' codec.*line 2"):
        models.load_user(f"{tmp_path}/own.py:make")


# what is wrong with the weights


def refusal_of(file, path, factory="small"):
    with pytest.raises(ModelError) as refusal:
        models.load_user(f"{file}:{factory}", path)
    assert str(path) in str(refusal.value)
    return str(refusal.value)


def test_missing_weights_are_named(file, tmp_path):
    assert "does not exist; check the path" in refusal_of(file, tmp_path / "weights.pt")


def test_another_suffix_is_refused(file, tmp_path):
    (tmp_path / "weights.h5").touch()
    message = refusal_of(file, tmp_path / "weights.h5")
    assert "has the suffix '.h5', wanted .safetensors, .pt, .pth or .ckpt" in message
    assert "safetensors.torch.save_file" in message


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
@pytest.mark.parametrize("kept", [0, 1, 5, 50, 0.5, 0.95, 0.999])
def test_truncated_weights_are_refused(file, state, tmp_path, suffix, kept):
    path = tmp_path / f"weights{suffix}"
    safetensors.torch.save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    assert "copy it again" in refusal_of(file, path)


def test_weights_of_another_size_are_refused_tensor_by_tensor(file, state, tmp_path):
    torch.save(state, tmp_path / "weights.pt")
    message = refusal_of(file, tmp_path / "weights.pt", factory="larger")
    assert "of another shape: latent.weight is (3, 784), wanted (5, 784), latent.bias is (3,), wanted (5,)" in message


def test_weights_of_another_architecture_are_refused_with_the_first_few_names(file, state, tmp_path):
    others = {f"layer{index}.weight": torch.zeros(1) for index in range(6)} | {"latent.bias": state["latent.bias"]}
    safetensors.torch.save_file(others, tmp_path / "weights.safetensors")
    message = refusal_of(file, tmp_path / "weights.safetensors")
    assert "missing: latent.weight;" in message
    assert "unexpected: layer0.weight, layer1.weight, layer2.weight, layer3.weight and 2 more." in message


def test_a_bare_tensor_is_refused(file, tmp_path):
    torch.save(torch.zeros(3), tmp_path / "weights.pt")
    assert "holds a Tensor, wanted a state dict" in refusal_of(file, tmp_path / "weights.pt")


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("a-pickle-was-run"),))


@pytest.mark.parametrize("legacy", [False, True], ids=["archive", "legacy"])
def test_a_pickle_that_could_run_code_is_refused_unrun_and_the_way_out_told(file, tmp_path, monkeypatch, legacy):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Bomb()}, tmp_path / "weights.pt", _use_new_zipfile_serialization=not legacy)
    message = refusal_of(file, tmp_path / "weights.pt")
    assert "could run code" in message
    assert "save its tensors alone: torch.save(torch.load(" in message
    assert not (tmp_path / "a-pickle-was-run").exists()


def test_a_whole_pickled_network_is_refused(file, tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "weights.pth")
    assert "could run code" in refusal_of(file, tmp_path / "weights.pth")

"""Exported programs from elsewhere: what is opened, and what is refused before torch sees it."""

import io
import json
import random
import warnings
import zipfile
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from fiberscope.models.exported.archive import write_anew
from fiberscope.models.exported.operators import operator_name
from fiberscope.models.exported.sizes import size_expression
from fiberscope.models.exported_program import open_exported
from fiberscope.models.json_rules import Refused
from fiberscope.problem import ModelError

IMAGES = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
MODEL, WEIGHTS = "net/models/model.json", "net/data/weights/model_weights_config.json"
# torch.fx indents generated code after a newline alone; what follows a carriage return stands at its top
PAYLOAD = 'x")\rfrom os import system\rsystem("touch a-name-was-run")\rdef forward(self):\r    q = ("'


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.fc = nn.Linear(4 * 36, 5)
        self.shift = torch.arange(5.0)

    def forward(self, images):
        with torch.no_grad():
            mean = images.mean()
        first, second = torch.chunk(self.features(images), 2, dim=1)
        return self.fc(torch.cat([second, first], 1).reshape(images.shape[0], -1)) + self.shift + mean


class Dictionary(nn.Module):
    def forward(self, *, pixels):
        return {"out": pixels.flatten(1), "rest": (pixels.sum(), [pixels * 2])}


def exported(module, path, *, decomposed=False, keyword=None):
    sizes = {0: torch.export.Dim("batch")}
    arguments = ((), {keyword: IMAGES[:2]}) if keyword else ((IMAGES[:2],), None)
    with warnings.catch_warnings():  # of torch's own insides
        warnings.simplefilter("ignore")
        program = torch.export.export(
            module.eval(), *arguments, dynamic_shapes={keyword: sizes} if keyword else (sizes,)
        )
        torch.export.save(program.run_decompositions() if decomposed else program, path)
    return path


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    torch.manual_seed(0)
    with zipfile.ZipFile(exported(Small(), tmp_path_factory.mktemp("program") / "net.pt2")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def write(records, tmp_path):
    def rewrite(changes, compression=zipfile.ZIP_STORED):
        path = tmp_path / "changed.pt2"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in {**records, **changes}.items():
                archive.writestr(name, content)
        return path

    return rewrite


def leaves(found, place=()):
    """Places of all values within lists and objects."""
    pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in pairs:
        yield (*place, key), value
        yield from leaves(value, (*place, key))


def put(found, place, value):
    for key in place[:-1]:
        found = found[key]
    found[place[-1]] = value


# what is opened


@pytest.mark.parametrize("decomposed", [False, True])
def test_a_program_written_anew_computes_as_the_network(tmp_path, decomposed):
    torch.manual_seed(0)
    module = Small()
    opened = open_exported(exported(module, tmp_path / "net.pt2", decomposed=decomposed))
    torch.testing.assert_close(opened.module(IMAGES), module(IMAGES).detach())
    assert {"features.0", "features.1", "fc"} <= {name for name, _ in opened.module.named_modules()}


def test_containers_of_python_and_inputs_by_name_are_kept(tmp_path):
    opened = open_exported(exported(Dictionary(), tmp_path / "net.pt2", keyword="pixels"))
    found = opened.module(IMAGES)
    assert torch.equal(found["out"], IMAGES.flatten(1))
    assert torch.equal(found["rest"][1][0], 2 * IMAGES)


def test_the_copy_holds_no_trace_of_where_the_program_was_made(records, write):
    _, text = written(write({}))
    assert b"stack_trace" in records[MODEL]
    assert not any(word in text for word in ("stack_trace", "torch_fn", "guard", "Small", "forward", '"images"'))


# what is refused: strings


def test_no_string_of_a_graph_reaches_torch_unless_it_is_allowed(records, write):
    whole = json.loads(records[MODEL])
    strings = {
        tuple("#" if isinstance(key, int) else key for key in place): place
        for place, value in leaves(whole)
        if isinstance(value, str)
    }
    assert len(strings) > 50
    for place in strings.values():
        changed = json.loads(records[MODEL])
        put(changed, place, PAYLOAD)
        said, text = written(write({MODEL: json.dumps(changed)}))
        assert "system" not in text
        assert not said or ("could run code that it brings" in said and said.isprintable())


def written(path):
    """What is said of a file that is refused, and else the graph that torch will read."""
    try:
        with write_anew(path) as copy, zipfile.ZipFile(copy) as archive:
            return "", archive.read("program/models/model.json").decode()
    except ModelError as refusal:
        return str(refusal), ""


@pytest.mark.parametrize(
    "name", [PAYLOAD, "a b", "__class__", "features.__init__", "class", "forward", "_modules", "é", "a" * 200, "a..b"]
)
def test_names_of_layers_are_dotted_identifiers_and_none_of_torchs_own(records, write, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    changes = {
        place: records[place].replace(b"features", json.dumps(name)[1:-1].encode()) for place in (MODEL, WEIGHTS)
    }
    with pytest.raises(ModelError, match="could run code that it brings"):
        open_exported(write(changes))
    assert not (tmp_path / "a-name-was-run").exists()


@pytest.mark.parametrize(
    "name",
    [
        "torch.ops.aten.from_file.default", "torch.ops.aten.set_.source_Storage", "torch.ops.aten.save.default",
        "torch.ops.aten.resize_.default", "torch.ops.aten.record_stream.default", "torch.ops.aten.add.out",
        "torch.ops.aten.mul.left_t", "torch.ops.aten.add.str", "torch.ops.aten.add", "torch.ops.aten.add.Tensor.name",
        "torch.ops.prims.rand.default", "torch.ops.higher_order.run_with_rng_state", "torch.hub.load", "torch.load",
        "torch.ops.load_library", "_operator.attrgetter", "_operator.methodcaller", "_operator.pow", "_operator.call",
        "math.factorial", "builtins.eval", "#custom:op", "add", "",
    ],
)  # fmt: skip
def test_operators_are_those_that_make_tensors_of_tensors(name):
    with pytest.raises(Refused, match="is none of torch's own"):
        operator_name(name)


def test_operators_of_networks_are_among_them():
    for name in ("aten.conv2d.default", "aten.add_.Tensor", "aten.scaled_dot_product_attention.default"):
        assert operator_name(f"torch.ops.{name}")


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9", "Pow(Integer(9), Integer(99999))", "Pow(Pow(Symbol('s0'), Integer(4)), Integer(4))",
        "Symbol('s0').__class__", "open('x')", "Integer(9) if 1 else 2", "Symbol('s0', cls=1)", "Lambda(Symbol('s0'))",
        "S('1')", "factorial(Integer(999))", "Symbol('__import__')", "(" * 1000, "Integer(" + "9" * 30 + ")", "1.5",
    ],
)  # fmt: skip
def test_sizes_are_arithmetic_that_ends(text):
    with pytest.raises(Refused, match="is no arithmetic"):
        size_expression(text)


def test_sizes_that_torch_writes_are_arithmetic():
    symbol = "Symbol('s77', positive=True, integer=True)"
    for text in (
        symbol,
        f"Add(Integer(-1), Mul(Integer(36), {symbol}))",
        f"FloorDiv(Pow({symbol}, Integer(2)), Integer(2))",
    ):
        assert size_expression(text) == text


@pytest.mark.parametrize(
    "tree",
    [
        {"type": "collections.namedtuple", "context": "null", "children_spec": []},
        {"type": "torch.Size", "context": "null", "children_spec": []},
        {"type": "builtins.dict", "context": '["__class__"]', "children_spec": [None]},
        {"type": "builtins.dict", "context": '{"__enum__": "a:B"}', "children_spec": []},
    ],
)
def test_containers_are_those_of_python(records, write, tree):
    graph = json.loads(records[MODEL])
    put(graph, ("graph_module", "module_call_graph", 0, "signature", "out_spec"), json.dumps([1, tree]))
    with pytest.raises(ModelError, match=r"out_spec: .*(is none of tuple, list and dict|is no name|are no containers)"):
        open_exported(write({MODEL: json.dumps(graph)}))


# what is refused: sizes, and archives


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sizes", [{"as_int": 10**12}]), ("sizes", [{"as_int": -1}]), ("sizes", [{"as_int": 2**63}]),
        ("strides", [{"as_int": 2}]), ("strides", [{"as_int": -1}]), ("strides", []), ("storage_offset", {"as_int": 1}),
        ("dtype", 8), ("dtype", 99), ("layout", 1), ("sizes", [{"as_expr": {"expr_str": "Symbol('s0')"}}]),
    ],
)  # fmt: skip
def test_tensors_lie_within_what_the_file_holds_of_them(records, write, key, value):
    config = json.loads(records[WEIGHTS])
    config["config"]["fc.bias"]["tensor_meta"][key] = value
    with pytest.raises(ModelError, match="is damaged"):
        open_exported(write({WEIGHTS: json.dumps(config)}))


def test_a_tensor_that_would_be_made_of_no_bytes_is_refused(records, write):
    with pytest.raises(ModelError, match="has 0 numbers, and its shape"):
        open_exported(write({"net/data/weights/weight_0": b""}))


def test_steps_that_fill_the_memory_are_refused_before_they_run(records, write):
    graph = json.loads(records[MODEL])
    node = next(node for node in graph["graph_module"]["graph"]["nodes"] if "conv2d" in node["target"])
    node["inputs"].append({"name": "padding", "arg": {"as_ints": [10**6, 10**6]}, "kind": 2})
    with pytest.raises(ModelError, match=r"makes a tensor \(2, 4, 2000006, 2000006\) of its images, which would fill"):
        open_exported(write({MODEL: json.dumps(graph)}))


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"{", b"[" * 10**5, b'{"graph_module": NaN}', b"\xff\xfe", b"9" * 10**5],
    ids=lambda text: repr(text[:20]),
)
def test_a_graph_that_is_no_graph_is_refused(write, text):
    with pytest.raises(ModelError, match="is damaged"):
        open_exported(write({MODEL: text}))


def test_packed_records_are_refused_unread(write):
    with pytest.raises(ModelError, match="is packed"):
        open_exported(write({}, zipfile.ZIP_DEFLATED))


def test_graphs_beyond_any_size_are_refused_unparsed(write):
    with pytest.raises(ModelError, match="has more than 4194304 values"):
        open_exported(write({MODEL: b"[" + b"{}," * 2**22 + b"{}]"}))


def test_a_name_that_the_archive_holds_twice_is_refused(records, write):
    path = write({})
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(MODEL, records[MODEL])
    with pytest.raises(ModelError, match=r"holds 'models/model\.json' twice"):
        open_exported(path)


@contextmanager
def suppress_into(refusals):
    try:
        yield
    except ModelError as refusal:
        refusals.append(str(refusal))


def changed_at_random(records, draw):
    """An archive with a byte, a record or a value of its graph changed."""
    buffer, found = io.BytesIO(), dict(records)
    kind = draw.choice(["bytes", "record", "name", "values", "values", "values"])
    if kind == "record":
        name = draw.choice(list(found))
        found[name] = found[name][: draw.randrange(len(found[name]) + 1)] + bytes(draw.randrange(9))
    elif kind == "name":
        found[draw.choice([*found, "net/x", "net/models/model.json"])] = found.pop(draw.choice(list(found)))
    elif kind == "values":
        name = draw.choice([MODEL, MODEL, WEIGHTS])
        whole = json.loads(found[name])
        places = [place for place, _ in leaves(whole)]
        values = [None, True, -1, 0, 3, 10**6, 2**63, 10**99, 0.5, "", "x", PAYLOAD, [], {}, [[1]], {"as_int": 2}]
        put(whole, draw.choice(places), draw.choice(values))
        found[name] = json.dumps(whole).encode()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    content = bytearray(buffer.getvalue())
    if kind == "bytes":
        for _ in range(draw.choice([1, 5])):
            content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content[: draw.choice([None, None, None, draw.randrange(len(content))])])


def test_damaged_programs_are_refused_in_words_or_opened(records, tmp_path, capfd):
    draw, path, refusals = random.Random(0), tmp_path / "damaged.pt2", []
    for _ in range(40):
        path.write_bytes(changed_at_random(records, draw))
        with suppress_into(refusals):
            open_exported(path)
    assert 20 < len(refusals) < 40
    assert [said for said in refusals if str(path) not in said or not said.isprintable()] == []
    assert capfd.readouterr() == ("", "")

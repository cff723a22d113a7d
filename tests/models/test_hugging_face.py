"""Folders of Hugging Face: what they say is held to, what is wrong in them is told, and nothing is built unmeasured."""

import json
import shutil
import socket

import pytest
import safetensors.torch
import torch

from fiberscope.models import open_model
from fiberscope.models.hugging_face import transformers
from fiberscope.models.opened import RANDOM
from fiberscope.problem import ModelError

SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def save(model, folder):
    transformers.utils.logging.disable_progress_bar()
    model.eval().save_pretrained(folder)
    return model


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("classifier")
    save(transformers.ViTForImageClassification(configuration("ViT", num_labels=3)), folder)
    return folder


@pytest.fixture
def folder(classifier, tmp_path):
    shutil.copytree(classifier, tmp_path / "model")
    return tmp_path / "model"


def configuration(kind, **more):
    return getattr(transformers, f"{kind}Config")(**SIZES, image_size=16, patch_size=8, **more)


def change(folder, **words):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **words}))


# the class that config.json names


def test_an_image_tower_saved_with_its_projection_gives_the_embedding(tmp_path):
    torch.manual_seed(0)
    own = save(transformers.CLIPVisionModelWithProjection(configuration("CLIPVision", projection_dim=6)), tmp_path)
    opened = open_model(f"hf:{tmp_path}")
    torch.testing.assert_close(opened.module(IMAGES), own(pixel_values=IMAGES).image_embeds.detach())
    assert opened.module(IMAGES).shape == (2, 6)
    assert opened.input_shape == (3, 16, 16)


def test_a_model_of_images_and_text_gives_the_embedding_of_images(tmp_path):
    torch.manual_seed(0)
    text = {**SIZES, "vocab_size": 20, "max_position_embeddings": 4}
    words = {"vision_config": {**SIZES, "image_size": 16, "patch_size": 8}, "text_config": text, "projection_dim": 6}
    own = save(transformers.CLIPModel(transformers.CLIPConfig(**words)), tmp_path)
    opened = open_model(f"hf:{tmp_path}")
    embeddings = own(input_ids=torch.zeros(2, 4, dtype=torch.long), pixel_values=IMAGES).image_embeds.detach()
    torch.testing.assert_close(torch.nn.functional.normalize(opened.module(IMAGES)), embeddings)
    assert opened.input_shape == (3, 16, 16)


@pytest.mark.parametrize(("kind", "model"), [("SiglipVision", "SiglipVisionModel"), ("Dinov2", "Dinov2Model")])
def test_other_towers_give_their_pooled_output(kind, model, tmp_path):
    torch.manual_seed(0)
    own = save(getattr(transformers, model)(configuration(kind)), tmp_path)
    torch.testing.assert_close(
        open_model(f"hf:{tmp_path}").module(IMAGES), own(pixel_values=IMAGES).pooler_output.detach()
    )


def test_weights_that_the_named_class_does_not_use_are_told(folder):
    torch.manual_seed(0)
    own = transformers.ViTModel(configuration("ViT")).state_dict()
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    tensors |= {f"vit.{name}": tensor for name, tensor in own.items() if name.startswith("pooler")}
    safetensors.torch.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert "ViTForImageClassification does not use " in open_model(f"hf:{folder}").weights
    assert "vit.pooler.dense.weight of its file" in open_model(f"hf:{folder}").weights


def test_a_file_with_more_blocks_than_its_configuration_is_refused(folder):
    change(folder, num_hidden_layers=1)
    with pytest.raises(ModelError, match="its file has more blocks than"):
        open_model(f"hf:{folder}")


def test_half_precision_weights_are_computed_in_32_bits_and_that_is_said(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    halved = {name: tensor.half() for name, tensor in tensors.items()}
    safetensors.torch.save_file(halved, folder / "model.safetensors", {"format": "pt"})
    change(folder, dtype="float16")
    opened = open_model(f"hf:{folder}")
    assert {parameter.dtype for parameter in opened.module.parameters()} == {torch.float32}
    assert "computed in 32 bits, saved in 16" in opened.weights


# preprocessing


def test_a_processor_counts_wherever_it_is_saved(folder):
    nested = {"image_processor": {"image_mean": [0.25] * 3, "image_std": [0.5] * 3}, "processor_class": "X"}
    (folder / "processor_config.json").write_text(json.dumps(nested))
    assert open_model(f"hf:{folder}").preprocessing.mean == (0.25, 0.25, 0.25)
    # of both, transformers takes the nested one
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.1] * 3, "image_std": [0.1] * 3}))
    assert open_model(f"hf:{folder}").preprocessing.std == (0.5, 0.5, 0.5)
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "X"}))
    assert open_model(f"hf:{folder}").preprocessing.mean == (0.1, 0.1, 0.1)


def test_where_the_file_is_silent_the_class_of_its_processor_speaks(folder):
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": "ViTImageProcessor"}))
    found = open_model(f"hf:{folder}").preprocessing
    assert (found.mean, found.std, found.scale) == ((0.5,) * 3, (0.5,) * 3, 1.0)
    words = {"rescale_factor": 2 / 255, "rescale_offset": True, "do_normalize": False, "do_flip_channel_order": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(words))
    found = open_model(f"hf:{folder}").preprocessing
    assert (found.mean, found.std, found.scale, found.channels) == ((1.0,), (1.0,), 2.0, "bgr")


def test_that_no_file_tells_of_preprocessing_is_said(folder):
    assert "no preprocessor_config.json, so images reach it as they are" in open_model(f"hf:{folder}").weights


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"image_mean": [0.5]}',
        '{"image_mean": [null], "image_std": [1]}',
        '{"image_mean": [0.5, 0.5], "image_std": [1, 1, 1]}',
        '{"image_mean": [NaN], "image_std": [1]}',
        '{"image_mean": [1e999], "image_std": [1]}',
        '{"image_mean": [0], "image_std": [0]}',
        '{"image_mean": {}, "image_std": [1]}',
        '{"image_mean": [true], "image_std": [1]}',
        '{"do_normalize": true}',
        '{"do_normalize": "yes", "image_mean": [0], "image_std": [1]}',
        '{"do_rescale": 1}',
        '{"rescale_factor": "abc"}',
        '{"rescale_factor": 0}',
        '{"rescale_factor": [1, 2]}',
        '{"rescale_factor": ' + "9" * 5000 + "}",
    ],
)
def test_a_description_of_preprocessing_of_the_wrong_shape_is_refused(text, folder):
    (folder / "preprocessor_config.json").write_text(text)
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        open_model(f"hf:{folder}", RANDOM)
    (folder / "processor_config.json").write_text(f'{{"image_processor": {text or 3}}}')
    if text != "null":
        with pytest.raises(ModelError, match=r"processor_config\.json"):
            open_model(f"hf:{folder}", RANDOM)


# config.json


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"vit"', "{}", '{"model_type": ' + "[" * 5000, "\ufeff{"])
def test_a_configuration_that_is_no_object_of_a_known_kind_is_refused(text, folder):
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        open_model(f"hf:{folder}")


@pytest.mark.parametrize("weights", [None, RANDOM], ids=["own", "random"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"image_size": 10**9}, "image_size is 1000000000, wanted a whole number of at most"),
        ({"image_size": 10**6}, "describe no image"),
        ({"image_size": [16, 16, 16]}, "describe no image|no configuration"),
        ({"image_size": [16, "16"]}, "describe no image|no configuration"),
        ({"image_size": 0}, "describe no image"),
        ({"num_channels": 10**5}, "describe no image"),
        ({"hidden_size": 2**20, "intermediate_size": 2**20}, "more than|not of the network|cannot be built"),
        ({"num_hidden_layers": 10**6}, "more than|cannot be built"),
        ({"hidden_size": "8"}, "no configuration|cannot be built"),
        ({"hidden_size": -8}, "cannot be built|no configuration"),
        ({"patch_size": 0}, "cannot be built"),
        ({"hidden_act": "os.system"}, "cannot be built|no configuration"),
        ({"model_type": "of nobody"}, "is none that transformers"),
        ({"model_type": ["vit"]}, "is none that transformers"),
        ({"model_type": "of nobody", "auto_map": {"AutoModel": "code.Model"}}, "code that the repository brings"),
        ({"architectures": ["pipeline"]}, "has no network pipeline"),
        ({"architectures": ["OfNobody"]}, "has no network OfNobody"),
        ({"architectures": ["os.system"]}, "wanted a list of names of classes"),
        ({"architectures": "ViTModel"}, "wanted a list of names of classes"),
        ({"architectures": ["BertModel"]}, "wants a BertConfig"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantised"),
    ],
)
def test_a_configuration_of_no_image_model_is_refused_before_it_is_built(words, told, weights, folder):
    change(folder, **words)
    with pytest.raises(ModelError, match=told):
        open_model(f"hf:{folder}", weights)


def test_a_model_of_text_is_refused_in_words(tmp_path):
    configuration = transformers.BertConfig(**SIZES, vocab_size=20, architectures=["BertModel"])
    configuration.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="takes input_ids, not images; name an image model"):
        open_model(f"hf:{tmp_path}", RANDOM)


def test_a_network_of_timm_is_sent_to_its_own_door(folder):
    (folder / "config.json").write_text(json.dumps({"architecture": "resnet18", "num_classes": 3}))
    with pytest.raises(ModelError, match=r"take --model timm:resnet18 --weights \S+model\.safetensors"):
        open_model(f"hf:{folder}")


# weights


def test_an_index_of_shards_names_files_beside_it_alone(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    index = folder / "model.safetensors.index.json"
    for name in ("../elsewhere.safetensors", str(tmp_path / "elsewhere.safetensors"), "a.bin", "gone.safetensors"):
        index.write_text(json.dumps({"weight_map": {"classifier.weight": name}}))
        with pytest.raises(ModelError, match=r"index\.json names"):
            open_model(f"hf:{folder}")
    index.write_text(json.dumps({"weight_map": []}))
    with pytest.raises(ModelError, match="no weight_map"):
        open_model(f"hf:{folder}")


def test_pickled_weights_are_not_read(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"weights are not on this machine \(no model.safetensors"):
        open_model(f"hf:{folder}")


def test_a_file_that_broke_off_is_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="is truncated or not a safetensors file"):
        open_model(f"hf:{folder}")


def test_code_beside_the_weights_never_runs(folder):
    (folder / "code.py").write_text("raise SystemExit('this code must not run')")
    change(folder, auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"})
    assert open_model(f"hf:{folder}").module(IMAGES).shape == (2, 3)


def test_a_name_that_is_not_in_the_cache_opens_no_connection(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for weights in (None, RANDOM):
        with pytest.raises(ModelError, match="Nothing is downloaded unasked"):
            open_model("hf:nobody/has-this", weights)


def test_a_backbone_is_never_fetched_to_be_overwritten(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    words = {"model_type": "detr", "architectures": ["DetrForObjectDetection"], "use_pretrained_backbone": True}
    words |= {
        "d_model": 8,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "backbone": "resnet18",
    }
    words |= {"decoder_attention_heads": 2, "use_timm_backbone": True, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8}
    (tmp_path / "config.json").write_text(json.dumps(words))
    open_model(f"hf:{tmp_path}", RANDOM)

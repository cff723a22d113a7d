import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from fiberscope.data import load_images
from fiberscope.problem.errors import FiberscopeError

RAMP = np.arange(784, dtype=np.uint8).reshape(28, 28)


def save_png(path, pixels, **options):
    Image.fromarray(pixels).save(path, "PNG", **options)
    return path


def with_alpha(colour, alpha):
    return np.concatenate([colour, np.full((28, 28, 1), alpha, np.uint8)], axis=2)


COLOUR = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=2)


def test_an_8_bit_grey_png_is_its_bytes_over_255(tmp_path):
    images, names = load_images(save_png(tmp_path / "ramp.png", RAMP))
    assert torch.equal(images, torch.from_numpy(RAMP / np.float32(255))[None, None])
    assert names == ("ramp.png",)


def test_a_16_bit_grey_png_keeps_its_16_bits(tmp_path):
    pixels = np.arange(784, dtype=np.uint16).reshape(28, 28) * 83
    images, _ = load_images(save_png(tmp_path / "fine.png", pixels))
    assert torch.equal(images, torch.from_numpy(pixels.astype(np.float32) / 65535)[None, None])


def test_16_bit_colour_is_read_to_8_bits(tmp_path):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))  # 1 x 1, 16 bits, colour
    pixel = chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(">HHH", 0, 0x80FF, 0xFFFF)))
    (tmp_path / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixel + chunk(b"IEND", b""))
    images, _ = load_images(tmp_path / "one.png", shape=(3, 1, 1))
    torch.testing.assert_close(images.flatten(), torch.tensor([0, 0x80 / 0xFF, 1]))


def test_grey_shown_as_colour_reads_as_the_same_grey(tmp_path):
    grey, colour = RAMP, np.stack([RAMP] * 3, axis=2)
    palette = Image.fromarray(RAMP).convert("P")
    palette.save(tmp_path / "palette.png")
    sources = [
        save_png(tmp_path / "grey.png", grey),
        save_png(tmp_path / "colour.png", colour),
        save_png(tmp_path / "opaque.png", with_alpha(colour, 255)),
        tmp_path / "palette.png",
    ]
    images, _ = load_images(sources)
    assert all(torch.equal(image, images[0]) for image in images)


def test_colour_becomes_grey_by_luma(tmp_path):
    images, _ = load_images(save_png(tmp_path / "colour.png", COLOUR))
    luma = torch.from_numpy(COLOUR @ np.array([0.299, 0.587, 0.114]) / 255).float()
    torch.testing.assert_close(images[0, 0], luma, rtol=0, atol=1 / 255)


def test_colour_keeps_its_channels_in_order(tmp_path):
    images, _ = load_images(save_png(tmp_path / "colour.png", COLOUR), shape=(3, 28, 28))
    assert torch.equal(images[0], torch.from_numpy(COLOUR / np.float32(255)).permute(2, 0, 1))


@pytest.mark.parametrize("pixels", [RAMP, RAMP.astype(np.uint16) * 257], ids=["8 bits", "16 bits"])
def test_grey_becomes_colour_by_repetition(tmp_path, pixels):
    images, _ = load_images(save_png(tmp_path / "ramp.png", pixels), shape=(3, 28, 28))
    for channel in images[0]:
        assert torch.equal(channel, torch.from_numpy(RAMP / np.float32(255)))


def test_height_comes_before_width(tmp_path):
    images, _ = load_images(save_png(tmp_path / "wide.png", RAMP[:10]), shape=(1, 10, 28))
    assert images.shape == (1, 1, 10, 28)


@pytest.mark.parametrize("pixels", [with_alpha(COLOUR, 254), with_alpha(COLOUR, 0)], ids=["a little", "wholly"])
def test_a_transparent_png_is_refused(tmp_path, pixels):
    with pytest.raises(FiberscopeError, match=r"glass\.png has transparent pixels: flatten"):
        load_images(save_png(tmp_path / "glass.png", pixels))


def test_a_transparent_colour_of_a_grey_png_is_refused(tmp_path):
    with pytest.raises(FiberscopeError, match=r"glass\.png has transparent pixels"):
        load_images(save_png(tmp_path / "glass.png", RAMP, transparency=7))


def test_another_size_is_refused_not_resized(tmp_path):
    with pytest.raises(FiberscopeError, match=r"wide\.png has 28 x 10 pixels .*wanted 28 x 28: crop or scale"):
        load_images(save_png(tmp_path / "wide.png", RAMP[:10]))


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[: len(whole) // 2], lambda whole: b"", lambda whole: b"no picture"],
    ids=["half", "empty", "text"],
)
def test_a_damaged_png_is_named(tmp_path, damage):
    path = save_png(tmp_path / "broken.png", RAMP)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FiberscopeError, match=r"broken\.png is not a readable PNG .*save it again as PNG"):
        load_images(path)


def test_an_animation_is_refused(tmp_path):
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    frames[0].save(tmp_path / "film.png", save_all=True, append_images=frames[1:])
    with pytest.raises(FiberscopeError, match=r"film\.png is an animation; save the frame"):
        load_images(tmp_path / "film.png")


def test_a_png_fills_one_channel_or_three(tmp_path):
    with pytest.raises(FiberscopeError, match=r"shape is \(2, 28, 28\).*ramp\.png as npz"):
        load_images(save_png(tmp_path / "ramp.png", RAMP), shape=(2, 28, 28))


def test_a_folder_is_its_pictures_by_name(tmp_path):
    for number in (3, 1, 4, 5, 9, 2, 6):
        save_png(tmp_path / f"{number}.png", RAMP + number)
    save_png(tmp_path / "A.PNG", RAMP)
    (tmp_path / "notes.txt").write_text("not an image, and not taken for one")
    images, names = load_images(str(tmp_path))
    assert names == ("1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "9.png", "A.PNG")
    assert torch.equal(images[2], load_images(tmp_path / "3.png").images[0])


def test_a_folder_with_a_file_that_is_no_image_names_it(tmp_path):
    save_png(tmp_path / "a.png", RAMP)
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(FiberscopeError, match=r"b\.png is not a readable PNG"):
        load_images(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FiberscopeError, match=r"holds no picture of PNG, JPEG.*; put some into it") as refusal:
        load_images(tmp_path)
    assert str(tmp_path) in str(refusal.value)


def test_sources_are_joined_in_the_order_given(tmp_path):
    np.savez(tmp_path / "two.npz", images=np.stack([RAMP, RAMP.T]))
    images, names = load_images([tmp_path / "two.npz", save_png(tmp_path / "one.png", 255 - RAMP)])
    assert names == ("two.npz[0]", "two.npz[1]", "one.png")
    assert torch.equal(images, torch.from_numpy(np.stack([RAMP, RAMP.T, 255 - RAMP]) / np.float32(255))[:, None])


def test_no_source_is_refused():
    with pytest.raises(FiberscopeError, match="source is an empty list; give at least one"):
        load_images([])


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FiberscopeError, match=r"nowhere\.png does not exist; give a picture, a folder"):
        load_images(tmp_path / "nowhere.png")


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(FiberscopeError, match=r"photo\.jpg is not a readable JPEG \(it begins like none of PNG, JPEG"):
        load_images(tmp_path / "photo.jpg")
    np.save(tmp_path / "array.npy", np.zeros((28, 28), np.uint8))
    with pytest.raises(FiberscopeError, match=r"array\.npy is no picture .*write it with numpy\.savez"):
        load_images(tmp_path / "array.npy")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FiberscopeError, match=r"notes\.txt is no picture of PNG, .* and no IDX file: save it as PNG"):
        load_images(tmp_path / "notes.txt")


@pytest.mark.parametrize("shape", [(0, 28, 28), (1, -28, 28)])
def test_a_senseless_shape_is_refused(tmp_path, shape):
    with pytest.raises(FiberscopeError, match=r"shape is .* it must be \(channels, height, width\)"):
        load_images(tmp_path, shape=shape)

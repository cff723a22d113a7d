import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from fiberscope.data import image_files, load_images
from fiberscope.problem.errors import FiberscopeError

HEIGHT, WIDTH = 20, 28
SHAPE = (3, HEIGHT, WIDTH)
COLOUR = np.random.default_rng(0).integers(256, size=(HEIGHT, WIDTH, 3), dtype=np.uint8)
GREY = COLOUR[:, :, 0]


def encode(kind, pixels=COLOUR, *, mode=None, **options):
    picture = Image.fromarray(pixels)
    content = io.BytesIO()
    (picture if mode is None else picture.convert(mode)).save(content, kind, **options)
    return content.getvalue()


KINDS = {
    "png": encode("PNG"),
    "png of a palette": encode("PNG", mode="P"),
    "png of 16 bits": encode("PNG", GREY.astype(np.uint16) * 257),
    "jpeg": encode("JPEG"),
    "progressive jpeg": encode("JPEG", progressive=True),
    "jpeg with restarts": encode("JPEG", restart_marker_blocks=1),
    "jpeg of inks": encode("JPEG", mode="CMYK"),
    "webp": encode("WEBP"),
    "lossless webp": encode("WEBP", lossless=True),
    "tiff": encode("TIFF"),
    "packed tiff": encode("TIFF", compression="tiff_adobe_deflate"),
    "gif": encode("GIF"),
    "interlaced gif": encode("GIF", GREY, interlace=1),
    "bmp": encode("BMP"),
    "ppm": encode("PPM"),
}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


ROW = b"\0" + bytes([200]) * WIDTH


def make_png(*, width=WIDTH, height=HEIGHT, kind=(8, 0), interlace=0, raw=ROW * HEIGHT, before=(), end=True):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind, 0, 0, interlace))
    pixels = chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + pixels + (chunk(b"IEND", b"") if end else b"")


def interlaced(rows_of_last_pass=HEIGHT // 2):
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    lines = [GREY[top::down, left::across] for left, top, across, down in passes]
    lines[-1] = lines[-1][:rows_of_last_pass]
    return make_png(interlace=1, raw=b"".join(b"\0" + row.tobytes() for part in lines for row in part))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "picture"


@pytest.fixture
def lenient(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_what_pillow_reads_whatever_the_file_is_called(path, kind):
    path.write_bytes(KINDS[kind])
    with Image.open(path) as picture:
        expected = np.stack([GREY] * 3, axis=2) if "16" in kind else np.asarray(picture.convert("RGB"))
    images, names = load_images(path, shape=SHAPE)
    assert torch.equal(images[0], torch.from_numpy(expected / np.float32(255)).permute(2, 0, 1))
    assert names == ("picture",)
    path.rename(path.with_suffix(".png"))
    assert torch.equal(load_images(path.with_suffix(".png"), shape=SHAPE).images, images)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [b"", b"\xff\xd9", b"\0;"], ids=["cut", "with a JPEG's end", "with a GIF's end"])
@pytest.mark.usefixtures("lenient")
def test_a_part_of_a_picture_is_never_taken_for_the_whole(path, kind, tail):
    content = KINDS[kind]
    path.write_bytes(content)
    whole = load_images(path, shape=SHAPE).images
    for length in range(1, len(content) - 8, len(content) // 23):
        path.write_bytes(content[:length] + tail)
        try:
            found = load_images(path, shape=SHAPE).images
        except FiberscopeError:
            continue
        assert torch.equal(found, whole)


def test_what_the_caller_has_set_in_pillow_stays_set(path, lenient):
    path.write_bytes(KINDS["jpeg"])
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    readers = [threading.Thread(target=load_images, args=(path,), kwargs={"shape": SHAPE}) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert ImageFile.LOAD_TRUNCATED_IMAGES
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_an_interlaced_png_is_whole_or_refused(path):
    path.write_bytes(interlaced())
    assert torch.equal(load_images(path, shape=SHAPE).images[0, 0], torch.from_numpy(GREY / np.float32(255)))
    path.write_bytes(interlaced(rows_of_last_pass=3))
    with pytest.raises(FiberscopeError, match=r"\(\d+ of its \d+ rows are there\)"):
        load_images(path, shape=SHAPE)


def bad_checksum():
    content = bytearray(make_png())
    content[-20] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (make_png(raw=ROW * 7), "7 of its 20 rows are there"),
        (make_png(raw=ROW * 21), "do not end with its last row"),
        (make_png(end=False), "ends in the middle"),
        (make_png() + b"more", "4 bytes follow its end"),
        (bad_checksum(), "checksum of its chunk"),
        (make_png(kind=(3, 0)), "of 3 bits"),
        (make_png(kind=(4, 2)), "of 4 bits"),
        (make_png(kind=(8, 3)), "palette is missing"),
        (make_png(width=0), "declares 0 x 20"),
        (make_png(raw=(b"\7" + bytes(WIDTH)) * HEIGHT), "a filter that PNG does not have"),
        (make_png(before=[chunk(b"ABCD", b"")]), "that no reader may pass over"),
        (make_png(raw=b""), "0 of its 20 rows"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
@pytest.mark.usefixtures("lenient")
def test_a_png_is_held_to_what_its_header_declares(path, content, words):
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match=f"picture is not a readable PNG .*{words}"):
        load_images(path, shape=SHAPE)


def test_texts_and_profiles_of_a_png_are_never_unpacked(path):
    bomb = zlib.compress(bytes(100_000_000))
    texts = [chunk(b"zTXt", b"words\0\0" + bomb), chunk(b"iCCP", b"name\0\0" + bomb), chunk(b"tEXt", b"no end")]
    path.write_bytes(make_png(before=texts))
    assert bool((load_images(path, shape=SHAPE).images == np.float32(200) / np.float32(255)).all())


def test_a_jpeg_of_which_the_header_declares_more_rows_than_there_are_is_refused(path):
    content = bytearray(KINDS["jpeg"])
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 7] = struct.pack(">H", 2 * HEIGHT)
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match="part of its pixels is missing"):
        load_images(path, shape=(3, 2 * HEIGHT, WIDTH))


def test_a_gif_that_leaves_some_of_its_canvas_empty_is_refused(path):
    content = bytearray(KINDS["gif"])
    content[6:10] = struct.pack("<HH", WIDTH, 2 * HEIGHT)
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match="covers a part of its canvas"):
        load_images(path, shape=(3, 2 * HEIGHT, WIDTH))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_picture_that_is_stored_turned_is_set_upright_and_that_is_said(path, orientation, kind):
    tags = Image.Exif()
    tags[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    path.write_bytes(encode(kind, exif=tags, **options))
    upright = {
        1: COLOUR, 2: COLOUR[:, ::-1], 3: COLOUR[::-1, ::-1], 4: COLOUR[::-1], 5: COLOUR.swapaxes(0, 1),
        6: COLOUR.swapaxes(0, 1)[:, ::-1], 7: COLOUR[::-1, ::-1].swapaxes(0, 1), 8: COLOUR.swapaxes(0, 1)[::-1],
    }[orientation]  # fmt: skip
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        images = load_images(path, shape=(3, *upright.shape[:2])).images
    assert torch.equal(images[0], torch.from_numpy(upright / np.float32(255)).permute(2, 0, 1))
    assert [str(each.message) for each in told] == (
        [] if orientation == 1 else ["set upright, as the orientation in their EXIF says: picture"]
    )


def test_a_size_is_refused_before_anything_is_decoded(path):
    path.write_bytes(make_png(width=2**31 - 1, height=2**31 - 1, raw=b""))
    with pytest.raises(FiberscopeError, match=r"2147483647 x 2147483647 .*--input-shape 3 2147483647 2147483647"):
        load_images(path, shape=SHAPE)


def test_the_limit_of_memory_is_named_and_can_be_raised(path, monkeypatch):
    path.write_bytes(KINDS["png"])
    needed = 40 * HEIGHT * WIDTH
    with pytest.raises(FiberscopeError, match=rf"{needed} bytes .*FIBERSCOPE_MAX_BYTES={needed} .*max_bytes={needed}"):
        load_images(path, shape=SHAPE, max_bytes=10_000)
    load_images(path, shape=SHAPE, max_bytes=needed)
    monkeypatch.setenv("FIBERSCOPE_MAX_BYTES", "10000")
    with pytest.raises(FiberscopeError, match="FIBERSCOPE_MAX_BYTES"):
        load_images(path, shape=SHAPE)
    monkeypatch.setenv("FIBERSCOPE_MAX_BYTES", "a lot")
    with pytest.raises(FiberscopeError, match="FIBERSCOPE_MAX_BYTES is 'a lot'"):
        load_images(path, shape=SHAPE)


def test_formats_that_other_programs_draw_are_not_opened(path):
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 20\n")
    with pytest.raises(FiberscopeError, match="is no picture of PNG, JPEG"):
        load_images(path, shape=SHAPE)


def test_a_folder_of_several_formats_is_read_whole_without_what_systems_leave_there(tmp_path):
    for name, kind in (("a.JPG", "jpeg"), ("b.png", "png"), ("c", "webp"), ("d.png", "jpeg")):
        (tmp_path / name).write_bytes(KINDS[kind])
    for junk in ("._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / junk).write_bytes(b"\0\5\x16\7")
    (tmp_path / "__MACOSX").mkdir()
    assert load_images(tmp_path, shape=SHAPE).names == ("a.JPG", "b.png", "c", "d.png")
    assert [file.name for file in image_files(tmp_path)] == ["a.JPG", "b.png", "c", "d.png"]


def test_what_a_folder_holds_and_is_not_read_is_named(tmp_path):
    (tmp_path / "b.png").write_bytes(KINDS["png"])
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "deeper").mkdir()
    with pytest.warns(UserWarning, match=r"a\.heic, deeper/ cannot be read as pictures and are left out"):
        assert load_images(tmp_path, shape=SHAPE).names == ("b.png",)


@pytest.mark.skipif(os.name != "posix", reason="names of other systems are text")
def test_names_in_any_encoding_become_text_on_one_line(tmp_path):
    folder = os.fsencode(tmp_path)
    for name in (b"caf\xe9.png", b"red\x1b[31m\n.png", "turned\u202e.png".encode()):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(KINDS["png"])
    names = load_images(tmp_path, shape=SHAPE).names
    assert names == ("caf\\xe9.png", "red\\x1b[31m\\n.png", "turned\\u202e.png")

"""Mutations in the grammar of PNG and JPEG: chunks with their right checksums, hostile sizes, bombs."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from random import Random
from typing import NamedTuple

from benchmarks.mutated_files.mutations import ANY, extreme

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SIDES = (0, 1, 27, 28, 29, 10_000, 30_000, 100_000, 2**31 - 1, 2**31, 2**32 - 1)
_TYPES = (
    b"PLTE",
    b"tRNS",
    b"iCCP",
    b"zTXt",
    b"tEXt",
    b"iTXt",
    b"eXIf",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"gAMA",
    b"cHRM",
    b"pHYs",
    b"sRGB",
    b"IEND",
    b"CgBI",
)


class Chunk(NamedTuple):
    kind: bytes
    data: bytes


def chunks_of(content: bytes) -> list[Chunk]:
    found, place = [], len(_SIGNATURE)
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        found.append(Chunk(kind, content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def png_of(chunks: list[Chunk]) -> bytes:
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def mutate_inside_a_chunk(content: bytes, random: Random) -> bytes:
    chunks = chunks_of(content)
    place = random.randrange(len(chunks))
    kind, data = chunks[place]
    chunks[place] = Chunk(kind, random.choice(ANY)(data, random))
    return png_of(chunks)


def shuffle_chunks(content: bytes, random: Random) -> bytes:
    chunks = chunks_of(content)
    place = random.randrange(len(chunks))
    match random.randrange(4):
        case 0:
            del chunks[place]
        case 1:
            chunks.insert(place, chunks[random.randrange(len(chunks))])
        case 2:
            random.shuffle(chunks)
        case _:
            chunks[place] = chunks[place]._replace(kind=random.choice(_TYPES))
    return png_of(chunks)


def set_the_header(content: bytes, random: Random) -> bytes:
    chunks = chunks_of(content)
    fields = list(struct.unpack(">IIBBBBB", chunks[0].data))
    for place in random.sample(range(7), random.choice((1, 1, 2))):
        fields[place] = random.choice(_SIDES) if place < 2 else random.randrange(256 if random.random() < 0.3 else 17)
    chunks[0] = Chunk(b"IHDR", struct.pack(">IIBBBBB", *fields))
    return png_of(chunks)


def change_the_rows(content: bytes, random: Random) -> bytes:
    """Pixels packed anew: fewer or more rows than the header says, other filters, no end."""
    chunks = chunks_of(content)
    data = [each for each in chunks if each.kind == b"IDAT"]
    pixels = zlib.decompress(b"".join(each.data for each in data))
    pixels = random.choice(
        (pixels[: random.randrange(len(pixels))], pixels * 3, b"", random.choice(ANY)(pixels, random))
    )
    packed = zlib.compress(pixels)
    packed = packed[:-4] if random.random() < 0.2 else packed
    rest = [each for each in chunks if each.kind != b"IDAT"]
    return png_of([*rest[:-1], Chunk(b"IDAT", packed), rest[-1]])


def add_a_chunk(content: bytes, random: Random) -> bytes:
    chunks = chunks_of(content)
    kind = random.choice(_TYPES)
    text = b"Comment\0" if kind == b"tEXt" else b"Comment\0\0"
    bodies = (b"", random.randbytes(20), text + random.randbytes(20), text + zeros(64), bytes(768), random.randbytes(8))
    chunks.insert(random.randrange(len(chunks) + 1), Chunk(kind, random.choice(bodies)))
    return png_of(chunks)


def bomb(content: bytes, random: Random) -> bytes:
    """A header of a gigabyte or more with the packed zeros that belong to it, or in an image of few pixels."""
    width = random.choice((28, 12_000, 40_000, 80_000))
    depth, colour = random.choice(((8, 0), (16, 2), (1, 0), (8, 6)))
    header = struct.pack(">IIBBBBB", width, width, depth, colour, 0, 0, 0)
    return png_of([Chunk(b"IHDR", header), Chunk(b"IDAT", zeros(1200)), Chunk(b"IEND", b"")])


@cache
def zeros(mebibytes: int) -> bytes:
    """So many MiB of zeros as zlib packs them, made of one piece that is repeated; without its last checksum."""
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (mebibytes - 1) + packer.flush()


PNG = (
    *(mutate_inside_a_chunk, shuffle_chunks, set_the_header, set_the_header, change_the_rows, add_a_chunk) * 8,
    *(mutate_inside_a_chunk,) * 8,
    bomb,
)


def set_the_frame(content: bytes, random: Random) -> bytes:
    """The sizes of a JPEG's frame."""
    place = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    sides = struct.pack(">HH", *(random.choice((0, 1, 27, 28, 29, 20_000, 65_535)) for _ in range(2)))
    return content[: place + 5] + sides + content[place + 9 :]


def set_a_segment(content: bytes, random: Random) -> bytes:
    """The length, or all, of a segment of a JPEG."""
    places = [
        place for place in range(len(content) - 4) if content[place] == 0xFF and 0xC0 <= content[place + 1] < 0xFF
    ]
    place = random.choice(places)
    length = struct.pack(">H", extreme(random) & 0xFFFF)
    return random.choice(
        (
            content[: place + 2] + length + content[place + 4 :],
            content[:place] + content[place + 20 :],
            content[:place] + content[place : place + 20] + content[place:],
        )
    )


def add_exif(content: bytes, random: Random) -> bytes:
    """An orientation, of a right or of a hostile directory."""
    count, kind, value = random.choice((1, 1, 2**32 - 1)), random.choice((3, 3, 2, 12, 255)), random.randrange(12)
    entry = struct.pack("<HHIHH", 0x0112, kind, count, value, 0)
    tiff = (
        b"II*\0" + struct.pack("<IH", random.choice((8, 8, 0, 2**31)), random.choice((1, 1, 60_000))) + entry + bytes(4)
    )
    body = b"Exif\0\0" + tiff
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


JPEG = (set_the_frame, set_a_segment, set_a_segment, add_exif)

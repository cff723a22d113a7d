"""Mutations in the grammar of npy, zip, gzip and IDX: hostile headers, directories, and bombs."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from random import Random

from benchmarks.mutated_files.mutations import ANY, Mutation, extreme
from benchmarks.mutated_files.payloads import MARK
from benchmarks.mutated_files.pictures import zeros
from benchmarks.mutated_files.zips import members_of, zip_of

_SHAPES = (
    *("()", "(0,)", "(784,)", "(1,28,28)", "(28,28)", "(-1,1,28,28)", "(1,1,28,28,1)", "(0,1,28,28)", "(2,1,28,29)"),
    *("(3000000,1,28,28)", "(1000000000,1,28,28)", f"({10**30},1,28,28)", "(2**40,)", "('1',1,28,28)", "(1.5,1,28,28)"),
    *(
        "(True,1,28,28)",
        "[1,1,28,28]",
        "None",
        "((((1,),),),)",
        f"({'1,' * 100}28,28)",
        "(9223372036854775807,2,28,28)",
    ),
)
_TYPES = (
    *(
        "'|u1'",
        "'<f4'",
        "'<f8'",
        "'<f2'",
        "'>f4'",
        "'|b1'",
        "'<i8'",
        "'<u8'",
        "'<c8'",
        "'|O'",
        "'|S10'",
        "'<U5'",
        "'|V4'",
    ),
    *("'<M8[ns]'", "'<f16'", "'x'", "None", "[('a','<f4'),('b','|O')]", "[('a','<f4',(2,))]", "'<f4,<f4'", "0", "''"),
)
_NAMES = (
    *(
        "../images.npy",
        "/elsewhere/images.npy",
        "images.npy",
        "labels.npy",
        "images",
        "\x1b[2Jimages.npy",
        "a/b.npy",
        "",
    ),
    *("images.npy\0.txt", "x" * 60_000, "ımages.npy"),
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZEROS = 1200  # MiB


def npy(descr: str, shape: str, data: bytes, *, order: str = "False", more: str = "") -> bytes:
    header = f"{{'descr':{descr},'fortran_order':{order},'shape':{shape},{more}}}".encode()
    header += b" " * (-(11 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) & 0xFFFF) + header + data


def hostile_npy(content: bytes, random: Random) -> bytes:
    """Another type or shape before the same numbers."""
    data = content[10 + struct.unpack_from("<H", content, 8)[0] :]
    descr = random.choice(_TYPES) if random.random() < 0.6 else "'|u1'"
    order = random.choice(("False", "True", "3", "None"))
    return npy(descr, random.choice(_SHAPES), random.choice((data, b"", data[:10], data * 2)), order=order)


def odd_header(content: bytes, random: Random) -> bytes:
    """A header that is no dictionary, or one that would run if it were evaluated."""
    texts = (
        f"__import__('os').system('true {MARK}')",
        f"{{'descr': __import__('os').system('true {MARK}'), 'fortran_order': False, 'shape': (1,)}}",
        *(
            "{'descr':((((",
            "[" * 5000,
            "{" * 90 + "}" * 90,
            "{}",
            "1",
            "9" * 9000,
            "-" * 9000 + "1",
            "\0",
            "é" * 100,
            "'a'*2",
        ),
        "{'descr':'<f4','fortran_order':False,'shape':(1,28,28),'shape':(2,28,28)}",
        *("{[]:1}", "{'a':{1,[]}}", "{**{}}", "(1,)+(2,)", "f'{1}'", "b'\\xff'", "{'descr':'<f4'}"),
    )
    header = random.choice(texts).encode() + b"\n"
    version = random.choice((b"\1\0", b"\2\0", b"\3\0", b"\4\0", b"\1\1"))
    length = struct.pack("<H" if version[0] == 1 else "<I", len(header))
    return b"\x93NUMPY" + version + length + header + content[128:]


NPY: tuple[Mutation, ...] = (hostile_npy, hostile_npy, hostile_npy, odd_header)


def mutate_a_member(content: bytes, random: Random) -> bytes:
    """An array of the archive mutated, and the archive written right."""
    members = members_of(content)
    place = random.randrange(len(members))
    name, data = members[place]
    members[place] = (name, random.choice((*NPY, *NPY, *ANY))(data, random))
    return zip_of(members, random.choice(_METHODS))


def change_members(content: bytes, random: Random) -> bytes:
    """Members renamed, repeated, dropped or added."""
    members = members_of(content)
    place = random.randrange(len(members))
    name, data = members[place]
    match random.randrange(4):
        case 0:
            members[place] = (random.choice(_NAMES), data)
        case 1:
            members.insert(place, (name, random.choice(NPY)(data, random)))
        case 2:
            del members[place]
        case _:
            members += [(f"{random.choice(_NAMES)}{number}", data[:200]) for number in range(random.choice((1, 2000)))]
    return zip_of(members, random.choice(_METHODS))


def set_the_directory(content: bytes, random: Random) -> bytes:
    """A field of a local header, of the central directory, or of its end."""
    start = random.choice((b"PK\3\4", b"PK\1\2", b"PK\1\2", b"PK\5\6"))
    places = [place for place in range(len(content)) if content.startswith(start, place)]
    place, changed = random.choice(places), bytearray(content)
    size, offset = random.choice(((2, 2), (2, 4))), random.randrange(4, 42)
    width = random.choice(size)
    changed[place + offset : place + offset + width] = (extreme(random) & (256**width - 1)).to_bytes(width, "little")
    return bytes(changed)


def zip_bomb(content: bytes, random: Random) -> bytes:
    """More than a GiB of zeros in a few MiB, with the header of an array that is as large, or of a small one."""
    names = [name for name, _ in members_of(content)]
    count = _ZEROS * 2**20 // 784 - 1
    header = npy("'|u1'", random.choice((f"({count},1,28,28)", "(1,28,28)", f"({count * 784},)")), b"")
    plain = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = plain.compress(header) + plain.flush(zlib.Z_FULL_FLUSH) + zeros(_ZEROS)[2:-4]
    name = random.choice(names).encode()
    sizes = struct.pack("<III", 0, len(body), len(header) + _ZEROS * 2**20)
    local = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", len(name), 0) + name
    central = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(body), 0)
    return local + body + central + end


NPZ: tuple[Mutation, ...] = (*(mutate_a_member,) * 20, *(change_members,) * 8, *(set_the_directory,) * 12, zip_bomb)


def set_the_sizes(content: bytes, random: Random) -> bytes:
    """Magic number and sizes of an IDX file, packed or not."""
    packed = content.startswith(b"\x1f\x8b")
    plain = bytearray(gzip.decompress(content) if packed else content)
    place = random.randrange(0, 4 + 4 * plain[3])
    if random.random() < 0.4 or place < 4:
        plain[place] = random.choice((0, 1, 3, 8, 9, 0x0B, 0x0D, 0x0E, 255))
    else:
        place -= place % 4
        plain[place : place + 4] = (extreme(random) & 0xFFFFFFFF).to_bytes(4, "big")
    return gzip.compress(bytes(plain), mtime=0) if packed else bytes(plain)


def change_the_numbers(content: bytes, random: Random) -> bytes:
    """What an IDX file holds mutated, and packed again where it was."""
    packed = content.startswith(b"\x1f\x8b")
    plain = random.choice(ANY)(gzip.decompress(content) if packed else content, random)
    return gzip.compress(plain, mtime=0) if packed else plain


def gzip_bomb(content: bytes, random: Random) -> bytes:
    """More than a GiB of images in a few MiB, in one member or in many."""
    count = _ZEROS * 2**20 // 784
    head = gzip.compress(struct.pack(">IIII", 0x803, random.choice((count, 10)), 28, 28), mtime=0)
    return head + b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + zeros(_ZEROS)[2:-4] + struct.pack("<II", 0, 0)


IDX: tuple[Mutation, ...] = (*(set_the_sizes,) * 4, change_the_numbers, change_the_numbers)
IDX_GZ: tuple[Mutation, ...] = (*IDX * 8, gzip_bomb)

"""Mutations in the grammar of weights and programs: headers of safetensors, pickles, archives that torch wrote."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from random import Random

from benchmarks.mutated_files import payloads
from benchmarks.mutated_files.mutations import ANY, Mutation, extreme
from benchmarks.mutated_files.values import json_mutations
from benchmarks.mutated_files.zips import members_of, zip_of


def safetensors_mutations(outside: Path) -> tuple[Mutation, ...]:
    change_text = json_mutations(outside)

    def change_the_header(content: bytes, random: Random) -> bytes:
        header, data = _header(content)
        text = random.choice(change_text)(header, random)
        return struct.pack("<Q", len(text)) + text + data

    def change_an_entry(content: bytes, random: Random) -> bytes:
        header, data = _header(content)
        found = json.loads(header)
        entry = found[random.choice([name for name in found if name != "__metadata__"])]
        match random.randrange(4):
            case 0:
                entry["dtype"] = random.choice(
                    ("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "C64", "F4", "X", "")
                )
            case 1:
                entry["shape"] = random.choice(
                    ([], entry["shape"][::-1], [*entry["shape"], 1], [extreme(random)], [2**32] * 2)
                )
            case 2:
                entry["data_offsets"] = [extreme(random), extreme(random)]
            case _:
                found["__metadata__"] = random.choice(({}, {"format": "np"}, {"a": 1}, [], {"x": "y" * 10**6}))
        text = json.dumps(found).encode()
        return struct.pack("<Q", len(text)) + text + random.choice((data, data, data + b"x", data[:-1]))

    def set_the_length(content: bytes, random: Random) -> bytes:
        length = struct.unpack_from("<Q", content)[0]
        return (
            struct.pack("<Q", random.choice((extreme(random), length + 1, length - 1, 100 * 2**20)) % 2**64)
            + content[8:]
        )

    return (*(change_the_header,) * 3, *(change_an_entry,) * 4, set_the_length)


def archive_mutations(outside: Path) -> tuple[Mutation, ...]:
    """Mutations of an archive that torch wrote, of its texts above all."""
    change_text = json_mutations(outside)

    def change_a_text(content: bytes, random: Random) -> bytes:
        members = dict(members_of(content))
        name = random.choice(sorted(name for name in members if name.endswith(".json")))
        members[name] = random.choice(change_text)(members[name], random)
        return zip_of(list(members.items()))

    def rename_throughout(content: bytes, random: Random) -> bytes:
        """A name of the program replaced wherever it stands, also within others, so that the program stays whole."""
        members = dict(members_of(content))
        new = json.dumps(payloads.text(random, outside)).encode()[1:-1]
        old = random.choice(
            (b"first", b"second", b"act", b"linear", b"p_first_weight", b"torch.nn.modules", b"Linear", b"s0")
        )
        members = {name: data.replace(old, new) if name.endswith(".json") else data for name, data in members.items()}
        return zip_of(list(members.items()))

    def change_a_member(content: bytes, random: Random) -> bytes:
        members = dict(members_of(content))
        name = random.choice(sorted(members))
        match random.randrange(4):
            case 0:
                members[name] = random.choice(ANY)(members[name], random)
            case 1:
                del members[name]
            case 2:
                members[f"{name.split('/')[0]}/{payloads.text(random, outside)[:1000]}"] = members.pop(name)
            case _:
                folder = name.split("/")[0]
                more = (
                    "data.pkl",
                    "code/x.py",
                    "data/aotinductor/model/a.so",
                    "extra/x",
                    "models/x.json",
                    "data/sample_inputs/x.pt",
                )
                members[f"{folder}/{random.choice(more)}"] = random.choice(
                    (hostile_pickle(random), b"{}", members[name])
                )
        return zip_of(list(members.items()))

    return (*(change_a_text,) * 4, *(rename_throughout,) * 4, change_a_member, change_a_member)


def change_the_pickle(content: bytes, random: Random) -> bytes:
    """The pickle of a state dict replaced or mutated."""
    members = dict(members_of(content))
    name = next(name for name in members if name.endswith("data.pkl"))
    members[name] = random.choice((lambda: hostile_pickle(random), lambda: random.choice(ANY)(members[name], random)))()
    return zip_of(list(members.items()))


def hostile_pickle(random: Random) -> bytes:
    """A pickle that calls something, holds something else than tensors, or never ends."""
    calls = (b"cos\nsystem\n(S'true'\ntR.", b"c__builtin__\neval\n(S'1'\ntR.", b"csubprocess\nPopen\n(S'true'\ntR.")
    others = ([1, 2], {"a": 1}, {1: 2}, "x", None, {"__class__": 1}, {payloads.MARK: {}})
    bytes_object = b"\x80\x02\x8e" + struct.pack("<Q", 2**40) + b"x."
    return random.choice((*calls, *map(pickle.dumps, others), bytes_object, b"(" * 100_000, b"\x80\x02}q\0.", b"."))


def only_a_pickle(content: bytes, random: Random) -> bytes:
    return hostile_pickle(random)


STATE_DICT: tuple[Mutation, ...] = (*(change_the_pickle,) * 4, only_a_pickle)


def _header(content: bytes) -> tuple[bytes, bytes]:
    length = struct.unpack_from("<Q", content)[0]
    return content[8 : 8 + length], content[8 + length :]

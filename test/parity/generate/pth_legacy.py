"""Writes small .pth files in the format from before torch 1.6 with real torch, and what is in them as JSON.

Run with the Python that has torch 1.13: python3 test/parity/generate/pth_legacy.py

What torch 1.13 can no longer write (views of storages, strings of Python 2, the function of torch 0.3) is put together here;
torch.load then says what is in it.
"""

import json
import pickle
import pickletools
import struct
import tempfile

import torch
import torch_pin  # noqa: F401
from pth import OUT, describe, tiny_net

EXPECTED = {}
LEGACY = {"_use_new_zipfile_serialization": False}


def keep(name):
    """Has torch read a file, as the expectation of what we read."""
    tensors = torch.load(OUT / f"{name}.pth")
    tensors = tensors.get("state_dict", tensors)
    EXPECTED[name] = {key: describe(tensor) for key, tensor in tensors.items()}
    return tensors


class Storage:
    """A storage that is pickled as a reference to (a view of) another."""

    def __init__(self, *reference):
        self.reference = reference


class Call:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        return ("storage", *obj.reference) if isinstance(obj, Storage) else None


def write(name, value, storages, little_endian=True):
    """A file by hand: the value, and numpy arrays by key."""
    sizes = {"short": 2, "int": 4, "long": 4}
    facts = {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": sizes}
    with open(OUT / f"{name}.pth", "wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, facts, value, sorted(storages)):
            Pickler(file, protocol=2).dump(part)
        for key in sorted(storages):
            file.write(struct.pack("<q", storages[key].size) + storages[key].tobytes())


def in_python_2(data):
    """The same pickles with byte strings, as Python 2 wrote its str, in place of unicode strings."""
    out, at = b"", 0
    while at < len(data) and data[at] == 0x80:
        ops = list(pickletools.genops(data[at:]))
        ends = [op[2] for op in ops[1:]] + [ops[-1][2] + 1]
        for (op, arg, start), end in zip(ops, ends):
            text = arg.encode() if op.name == "BINUNICODE" else b""
            if op.name != "BINUNICODE":
                out += data[at + start : at + end]
            elif len(text) < 256:
                out += b"U" + struct.pack("<B", len(text)) + text
            else:
                out += b"T" + struct.pack("<i", len(text)) + text
        at += ends[-1]
    return out + data[at:]


def main():
    net = tiny_net()
    state = net.state_dict()

    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    views = {
        "base": base,
        "transposed": base.transpose(0, 2),
        "row": base[1],
        "every.second": base[:, ::2, ::3],
        "scalar": base[2, 3, 4],
        "empty": torch.zeros(0, 3),
        "doubles": torch.arange(6, dtype=torch.float64).reshape(2, 3).t(),
        "halves": torch.tensor([1.5, -2.0]).half(),
        "bfloats": torch.tensor([1.5, -2.0]).bfloat16(),
        "longs": torch.tensor([2**62 + 1, -1]),
        "bytes": torch.tensor([0, 255], dtype=torch.uint8),
        "flags": torch.tensor([True, False, True]),
    }
    torch.save(views, OUT / "legacy-views.pth", **LEGACY)
    keep("legacy-views")

    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.rand(2, 3, 8, 7)).sum().backward()
    optimizer.step()
    checkpoint = {"epoch": 3, "optimizer": optimizer.state_dict(), "state_dict": net.state_dict()}
    torch.save(checkpoint, OUT / "legacy-checkpoint.pth", **LEGACY)
    keep("legacy-checkpoint")

    array = torch.arange(12, dtype=torch.float32).numpy()
    whole = Storage(torch.FloatStorage, "7", "cpu", 12, None)
    part = Storage(torch.FloatStorage, "7", "cuda:0", 12, ("8", 4, 6))
    old = torch._utils._rebuild_tensor
    value = {"whole": Call(old, whole, 0, (3, 4), (4, 1)), "part": Call(old, part, 1, (2, 2), (1, 2))}
    write("legacy-view-metadata", value, {"7": array})
    loaded = torch.load(OUT / "legacy-view-metadata.pth", map_location="cpu")
    EXPECTED["legacy-view-metadata"] = {key: describe(tensor) for key, tensor in loaded.items()}

    long_name = "n" * 300
    with tempfile.NamedTemporaryFile() as file:
        torch.save({"größe": state["conv.weight"], long_name: state["conv.bias"]}, file.name, **LEGACY)
        data = open(file.name, "rb").read()
    (OUT / "legacy-python2.pth").write_bytes(in_python_2(data))
    keep("legacy-python2")

    write("legacy-big-endian", {}, {}, little_endian=False)
    with open(OUT / "expected-legacy.json", "w") as file:
        json.dump({"torch": torch.__version__, "files": EXPECTED}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()

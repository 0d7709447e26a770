"""Says what torch reads in .pth files that were written elsewhere, for the live tests.

python3 test/parity/generate/pth_written.py FILE.pth…: one line of JSON for each.
"""

import hashlib
import json
import sys
import zipfile

import torch


def bits(tensor):
    flat = tensor.contiguous().view(-1)
    return (flat.view(torch.int16) if tensor.dtype == torch.bfloat16 else flat).numpy().tobytes()


def describe(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, "a checksum is wrong"
        for info in archive.infolist():
            with open(path, "rb") as file:
                file.seek(info.header_offset + 26)
                name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
            assert (info.header_offset + 30 + name + extra) % 64 == 0, "data that is not aligned"
    loaded = torch.load(path, weights_only=True)
    assert type(loaded).__name__ == "OrderedDict"
    assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in loaded.values())
    assert [(k, bits(t)) for k, t in torch.load(path).items()] == [(k, bits(t)) for k, t in loaded.items()]
    return [
        [name, str(t.dtype).removeprefix("torch."), list(t.shape), list(t.stride()), hashlib.sha256(bits(t)).hexdigest()]
        for name, t in loaded.items()
    ]


for path in sys.argv[1:]:
    print(json.dumps(describe(path)))

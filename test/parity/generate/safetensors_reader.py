"""A second implementation of the safetensors format, from its specification, for the live tests.

python3 test/parity/generate/safetensors_reader.py FILE.safetensors OTHER.pth: compares the two files' tensors.
"""

import json
import struct
import sys

import torch

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0 and data[8:9] == b"{"
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors, covered = {}, 0
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        assert start == covered, name
        covered = end
        part = bytearray(data[8 + length + start : 8 + length + end])
        dtype = DTYPES[entry["dtype"]]
        flat = torch.frombuffer(part, dtype=dtype) if part else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    assert 8 + length + covered == len(data)
    return tensors, metadata


def bits(tensor):
    return tensor.contiguous().view(-1).numpy().tobytes() if tensor.dtype != torch.bfloat16 else bits(tensor.view(torch.int16))


def main():
    tensors, metadata = read(sys.argv[1])
    others = torch.load(sys.argv[2], weights_only=True)
    assert sorted(tensors) == sorted(others), (sorted(tensors), sorted(others))
    for name, tensor in tensors.items():
        other = others[name]
        assert tensor.dtype == other.dtype and tensor.shape == other.shape, name
        assert bits(tensor) == bits(other), name
    print(json.dumps(metadata))


if __name__ == "__main__":
    main()

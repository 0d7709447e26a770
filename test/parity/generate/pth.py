"""Writes small .pth files with real torch, and what is in them as JSON.

Run with the Python that has torch 1.13: python3 test/parity/generate/pth.py
"""

import json
import math
import pathlib

import torch
import torch.nn.utils.prune as prune

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "pth"
EXPECTED = {}


def number(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def describe(tensor):
    dtype = str(tensor.dtype).removeprefix("torch.")
    wide = tensor.detach().double() if dtype in ("float16", "bfloat16", "float32") else tensor.detach()
    values = [number(v) for v in wide.reshape(-1).tolist()]
    if dtype == "int64":
        values = [str(v) for v in values]
    return {"dtype": dtype, "shape": list(tensor.shape), "data": values}


def save(name, contents, tensors, **options):
    torch.save(contents, OUT / f"{name}.pth", **options)
    EXPECTED[name] = {key: describe(tensor) for key, tensor in tensors.items()}


def tiny_net():
    torch.manual_seed(11)
    net = torch.nn.Sequential()
    net.add_module("conv", torch.nn.Conv2d(3, 4, 3))
    net.add_module("bn", torch.nn.BatchNorm2d(4))
    net.add_module("flatten", torch.nn.Flatten())
    net.add_module("fc", torch.nn.Linear(4 * 6 * 5, 2))
    with torch.no_grad():
        net(torch.rand(5, 3, 8, 7) * 3 - 1)
        net.bn.weight.uniform_(0.5, 1.5)
        net.bn.bias.uniform_(-1, 1)
    return net.eval()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    net = tiny_net()
    state = net.state_dict()
    save("plain", state, state)

    x = torch.rand(2, 3, 8, 7)
    with torch.no_grad():
        EXPECTED["plain.output"] = {"input": describe(x), "output": describe(net(x))}

    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    views = {
        "base": base,
        "transposed": base.transpose(0, 2),
        "row": base[1],
        "column": base[:, 2, 1:],
        "every.second": base[:, ::2, ::3],
        "scalar": base[2, 3, 4],
        "empty": base[:, 4:, :],
        "expanded": torch.tensor([1.0, 2.0]).reshape(2, 1).expand(2, 3),
        "channels.last": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
        "double.transposed": torch.arange(6, dtype=torch.float64).reshape(2, 3).t(),
        "half.transposed": torch.arange(6, dtype=torch.float16).reshape(2, 3).t(),
        "byte.transposed": torch.arange(6, dtype=torch.uint8).reshape(2, 3).t(),
    }
    save("views", views, views)

    special = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, -6e-8, 6.1e-5, 0.333251953125, math.inf, -math.inf, math.nan]
    dtypes = {
        "float64": torch.tensor([math.pi, *special], dtype=torch.float64),
        "float32": torch.tensor([math.pi, *special]),
        "float16": torch.tensor([math.pi, *special]).half(),
        "bfloat16": torch.tensor([math.pi, *special]).bfloat16(),
        "int64": torch.tensor([0, -1, 2**62 + 1, -(2**63)]),
        "int32": torch.tensor([0, -1, 2**31 - 1], dtype=torch.int32),
        "int16": torch.tensor([0, -1, 2**15 - 1], dtype=torch.int16),
        "int8": torch.tensor([0, -1, 127], dtype=torch.int8),
        "uint8": torch.tensor([0, 1, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
    }
    save("dtypes", dtypes, dtypes)

    half = torch.arange(2048, dtype=torch.int16).mul(32).sub(32767).view(torch.float16)
    half = torch.where(torch.isnan(half), torch.zeros_like(half), half)
    save("half", {"all": half}, {"all": half})

    parameters = {name: torch.nn.Parameter(p) for name, p in net.named_parameters()}
    save("parameters", parameters, parameters)

    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    checkpoint = {
        "epoch": 3,
        "big": 2**70,
        "loss": torch.tensor(0.25),
        "best": None,
        "note": "größe",
        "flags": (True, False, [1], (1, 2, 3, 4)),
        "state_dict": state,
        "optimizer": optimizer.state_dict(),
    }
    save("checkpoint", checkpoint, state)
    save("model-state-dict", {"model": "tiny", "model_state_dict": state}, state)

    prune.l1_unstructured(net.conv, "weight", 0.3)
    save("pruned", net.state_dict(), net.state_dict())

    save("legacy", state, state, _use_new_zipfile_serialization=False)
    save("module", torch.nn.Linear(2, 3), {})
    save("complex", {"z": torch.zeros(2, dtype=torch.complex64)}, {})
    save("not-a-dict", torch.zeros(2), {})
    save("not-tensors", {"weight": torch.zeros(2), "epoch": 3}, {})
    save("no-tensors", {}, {})

    with open(OUT / "expected.json", "w") as file:
        json.dump({"torch": torch.__version__, "files": EXPECTED}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()

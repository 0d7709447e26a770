"""Writes small .safetensors files with the format's reference implementation, and what is in them as JSON.

Run with a Python that has torch 1.13 and that implementation, which Debian does not have:
python3 -m venv --system-site-packages venv && venv/bin/pip install safetensors==0.8.0
venv/bin/python test/parity/generate/safetensors_fixtures.py
"""

import json
import pathlib

import safetensors
import torch
import torch_pin  # noqa: F401
from pth import describe, tiny_net
from safetensors.torch import load_file, save_file

assert safetensors.__version__ == "0.8.0", f"fixtures need safetensors 0.8.0, this is {safetensors.__version__}"
OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "safetensors"
EXPECTED = {}


def save(name, tensors, metadata=None):
    path = OUT / f"{name}.safetensors"
    save_file(tensors, path, metadata)
    # load_file gives them in the order of their names, the file has an order of its own.
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    loaded = load_file(path)
    order = [key for key in header if key != "__metadata__"]
    EXPECTED[name] = [[key, describe(loaded[key])] for key in order]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    special = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 6.1e-5, float("inf"), float("-inf"), float("nan")]
    save(
        "dtypes",
        {
            "float64": torch.tensor(special, dtype=torch.float64),
            "float32": torch.tensor(special),
            "float16": torch.tensor(special).half(),
            "bfloat16": torch.tensor(special).bfloat16(),
            "int64": torch.tensor([0, -1, 2**62 + 1, -(2**63)]),
            "int32": torch.tensor([0, -1, 2**31 - 1], dtype=torch.int32),
            "int16": torch.tensor([0, -1, 2**15 - 1], dtype=torch.int16),
            "int8": torch.tensor([0, -1, 127], dtype=torch.int8),
            "uint8": torch.tensor([0, 1, 255], dtype=torch.uint8),
            "bool": torch.tensor([True, False, True]),
        },
        {"format": "pt", "größe": "für \"alle\"\n", "a": ""},
    )
    one = torch.ones(1)
    names = ["10", "9", "__proto__", "", "größe", 'a"b\\c\n\t\x01\x7f', "\u2028", "\uffee", "\U0001f600", "b.weight", "b"]
    save("names", {name: one * i for i, name in enumerate(names)})
    shapes = {"scalar": torch.tensor(1.5), "empty": torch.zeros(0, 3), "cube": torch.arange(24.0).reshape(2, 3, 4)}
    save("shapes", {**shapes, "byte": torch.tensor([7], dtype=torch.uint8)})
    save("nothing", {})
    state = tiny_net().state_dict()
    save("net", state, {"format": "pt"})

    parts = [{k: v for i, (k, v) in enumerate(state.items()) if i % 2 == half} for half in (0, 1)]
    files = [f"sharded-0000{i + 1}-of-00002" for i in range(2)]
    for name, part in zip(files, parts):
        save(name, part, {"format": "pt"})
    places = {key: f"{name}.safetensors" for key in state for name, part in zip(files, parts) if key in part}
    size = sum(t.numel() * t.element_size() for t in state.values())
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (OUT / "sharded.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    EXPECTED["sharded"] = [[key, describe(tensor)] for key, tensor in state.items()]

    with open(OUT / "expected.json", "w") as file:
        json.dump({"safetensors": safetensors.__version__, "files": EXPECTED}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()

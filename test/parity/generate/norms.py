"""Writes ../fixtures/norms.json: torch.norm over all axes but one.

Run with Debian's python3 (python3-torch 1.13). Format:
  cases    {"shape", "dim", "n", "seed", "norms"}: norms of w = torch.rand(shape) * 2 - 1 after torch.manual_seed(seed),
           in double precision; n is a number, "inf", "-inf", "fro" or "nuc"
  special  {"n", "norms"}: norms, as strings, of the rows of the matrix SPECIAL below
  refused  {"shape", "n"}: where torch raises an error, dim 0
"""

import json
import pathlib

import torch
import torch_pin  # noqa: F401

SHAPES = [[7, 5], [4, 6, 3], [5, 4, 3, 2]]
NUMBERS = [0, 1, 2, 3, 0.5, -1, -2.5, "inf", "-inf"]
NAMES = ["fro", "nuc", "abc"]
SPECIAL = [[float("nan"), 1, 2], [3, 4, 0], [0, 0, 0], [float("inf"), 1, 2], [-0.0, 1, -1]]


def norm(t, n, dim):
    p = float(n) if n in ("inf", "-inf") else n
    return torch.norm(t, p=p, dim=[axis for axis in range(t.dim()) if axis != dim % t.dim()])


def number(x):
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(x, "NaN" if x != x else repr(x))


cases, refused = [], []
for shape in SHAPES:
    for dim in [*range(len(shape)), -1]:
        for n in NUMBERS + NAMES:
            seed = 10 * len(shape) + dim % len(shape)
            torch.manual_seed(seed)
            w = torch.rand(shape) * 2 - 1
            try:
                norms = norm(w.double(), n, dim).tolist()
            except RuntimeError:
                if dim == 0:
                    refused.append({"shape": shape, "n": n})
                continue
            cases.append({"shape": shape, "dim": dim, "n": n, "seed": seed, "norms": norms})
special = [
    {"n": n, "norms": [number(x) for x in norm(torch.tensor(SPECIAL), n, 0).tolist()]} for n in NUMBERS + ["fro"]
]
target = pathlib.Path(__file__).parent.parent / "fixtures" / "norms.json"
lines = [
    f'"{key}":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in group) + "\n]"
    for key, group in (("cases", cases), ("special", special), ("refused", refused))
]
target.write_text("{" + ",\n".join(lines) + "}\n")
print(len(cases), len(special), len(refused))

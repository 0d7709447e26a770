"""Writes ../fixtures/blocks.json: the masks of blocks and of N:M sparsity that PyTorch's WeightNormSparsifier makes.

Run with Debian's python3 (python3-torch 1.13): `python3 blocks.py`. Takes seconds.

Format. {"torch": version, "blocks": [case], "semi": [case]}; a case is
  name        unique
  layer       {"kind": torch.nn's class}
  parameter   "weight"
  shape       torch's shape of it
  weights     its values, as masks.py describes them
  blocks:     size, n (norm, 1 or 2) and fraction of the blocks that are pruned
  semi:       n of every m input channels that stay
  mask        expected mask, as masks.py writes them
The sparsifier knows matrices only. Blocks of a convolution are those of its weight as [out, in * height * width]; N:M
goes along the input channels at each tap, so there the rows are [height * width * out, in], as in NVIDIA's ASP. Sizes
are multiples of those of the blocks, as the sparsifier of 1.13 fails for others; the weights of N:M have no ties.
"""

import json
import pathlib

import torch
import torch_pin  # noqa: F401
from masks import cubed, levels, packed, uniform, values
from torch.ao.sparsity import WeightNormSparsifier


def mask_of(matrix, **settings):
    model = torch.nn.Sequential(torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False))
    with torch.no_grad():
        model[0].weight.copy_(matrix)
    sparsifier = WeightNormSparsifier(**settings)
    sparsifier.prepare(model, config=[{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    return model[0].parametrizations.weight[0].mask.float()


def block_case(kind, shape, weights, size, n, fraction):
    matrix = values(shape, weights).flatten(1)
    mask = mask_of(matrix, sparse_block_shape=(size, 1), sparsity_level=fraction, norm=n)
    name = f"{kind} {shape}: {fraction} of {size}x1 by L{n}, {weights['form']}"
    return {**described(name, kind, shape, weights), "size": size, "n": n, "fraction": fraction, "mask": packed(mask)}


def semi_case(kind, shape, weights, n, m):
    weight = values(shape, weights)
    assert weight.abs().unique().numel() == weight.numel()
    order = [*range(2, weight.dim()), 0, 1]
    rows = weight.permute(order)
    mask = mask_of(rows.reshape(-1, shape[1]), sparse_block_shape=(1, m), sparsity_level=1.0, zeros_per_block=m - n)
    back = [order.index(axis) for axis in range(weight.dim())]
    mask = mask.reshape(rows.shape).permute(back)
    name = f"{kind} {shape}: {n}:{m}, {weights['form']}"
    return {**described(name, kind, shape, weights), "n": n, "m": m, "mask": packed(mask)}


def described(name, kind, shape, weights):
    return {"name": name, "layer": {"kind": kind}, "parameter": "weight", "shape": shape, "weights": weights}


LAYERS = [
    ("Linear", [32, 21]),
    ("Conv1d", [16, 8, 3]),
    ("Conv2d", [32, 8, 3, 3]),
    ("Conv2d", [64, 16, 1, 1]),
    ("Conv3d", [16, 8, 2, 3, 2]),
]


def block_cases():
    for i, (kind, shape) in enumerate(LAYERS):
        for size in (2, 8, 16):
            yield block_case(kind, shape, uniform(i), size, 2, 0.5)
            yield block_case(kind, shape, cubed(10 + i), size, 1, 0.9)
            yield block_case(kind, shape, levels(20 + i, 2), size, 2, 0.3)
            yield block_case(kind, shape, levels(30 + i, 1), size, 1, 0.7)
    yield block_case("Conv2d", [64, 64, 3, 3], uniform(40), 16, 2, 0.95)


def semi_cases():
    for i, (kind, shape) in enumerate([("Linear", [10, 24]), *LAYERS[1:]]):
        for n, m in ((2, 4), (1, 4), (3, 4), (4, 8), (1, 2)):
            if shape[1] % m == 0:
                yield semi_case(kind, shape, uniform(50 + i), n, m)


def write():
    groups = [[json.dumps(case, separators=(",", ":")) for case in cases] for cases in (block_cases(), semi_cases())]
    target = pathlib.Path(__file__).parent.parent / "fixtures" / "blocks.json"
    blocks, semi = (",\n".join(group) for group in groups)
    target.write_text(f'{{"torch":"{torch.__version__}","blocks":[\n{blocks}\n],"semi":[\n{semi}\n]}}\n')
    print(f"{len(groups[0])} cases of blocks and {len(groups[1])} of N:M, {target.stat().st_size} bytes")


write()

"""Writes ../fixtures/generator.json: what torch's generator draws for a few seeds.

Run with Debian's python3 (python3-torch 1.13). Format:
{"cases": [{"seed": "<decimal>", "rand24": {"first": [4], "last": [4], "sum": n}, "count": 1300, "double": [5]}]}
`rand24` are torch.rand(count) * 2**24, `double` torch.rand(5, dtype=float64) from the same seed.
"""

import json
import pathlib

import torch
import torch_pin  # noqa: F401

COUNT = 1300
SEEDS = [0, 1, 7, 2**31, 2**32 - 1, 2**32 + 7, -1, -7, -(2**63), 2**64 - 1, 2**53 + 1, 67280421310721]


def case(seed):
    torch.manual_seed(seed)
    draws = (torch.rand(COUNT) * 2**24).to(torch.int64)
    torch.manual_seed(seed)
    double = torch.rand(5, dtype=torch.float64).tolist()
    rand24 = {"first": draws[:4].tolist(), "last": draws[-4:].tolist(), "sum": int(draws.sum())}
    return {"seed": str(seed), "count": COUNT, "rand24": rand24, "double": double}


target = pathlib.Path(__file__).parent.parent / "fixtures" / "generator.json"
target.write_text(json.dumps({"cases": [case(seed) for seed in SEEDS]}, indent=1) + "\n")

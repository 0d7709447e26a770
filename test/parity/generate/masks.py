"""Writes ../fixtures/masks.json: what torch.nn.utils.prune does to layers of every kind.

Run with Debian's python3 (python3-torch 1.13): `python3 masks.py`. Takes a few minutes: the last cases have the size
of ResNet50.

Format. {"torch": version, "cases": [case], "selection": [case], "global": [case]}; "selection" are more of "cases", made
to try the algorithm behind torch's topk rather than layers. A case is
  name        unique
  parameters  the parameters that are pruned, several in "global", else one:
    layer     {"kind": torch.nn's class, "args": its positional arguments, "groups": if not 1}
    parameter torch's name of the tensor, e.g. "weight" or "weight_hh_l0"
    shape     torch's shape of it
    weights   its values, see below
  steps       prunings one on top of the other, on the same parameters:
    method    function of torch.nn.utils.prune; in "global" the class passed to global_unstructured
    amount    {"fraction": f} or {"count": k}; absent for identity and custom_from_mask
    n, dim    of the structured methods; n is a number, "inf", "-inf", "fro" or "nuc"
    seed      decimal string: torch.manual_seed(seed) comes right before the step
    scores    importance_scores, values as below, one a parameter; by default torch's, the masked weights
    new       the mask handed to custom_from_mask, values of form "mask"
    masks     expected masks after the step, one a parameter, in torch's row-major order: hex of the bits, eight to a
              byte, first one highest, padded with zeros; or "sha256:" and the hash of one byte (0 or 1) an entry
Values {"seed": s, "form": form} are float32, w = torch.rand(shape) * 2 - 1 after torch.manual_seed(s), then by form:
  "uniform" w; "cubed" w * w * w, many magnitudes; "levels" floor(w * levels) / levels, many ties;
  "mask" 1 where w > 0, else 0; "organ" floor(min(i, size - 1 - i) / levels) for element i, up and down like organ
  pipes, which drives the introselect behind torch's topk into its fallback.
All values are exact in float32, so any port of torch's generator makes the same ones.
"""

import hashlib
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.utils.prune as prune
import torch_pin  # noqa: F401

HEX_UP_TO = 4096


def values(shape, spec):
    torch.manual_seed(spec["seed"])
    w = torch.rand(shape) * 2 - 1
    if spec["form"] == "cubed":
        return w * w * w
    if spec["form"] == "levels":
        return torch.floor(w * spec["levels"]) / spec["levels"]
    if spec["form"] == "organ":
        i = torch.arange(w.numel())
        return (torch.minimum(i, w.numel() - 1 - i) // spec["levels"]).float().view(shape)
    if spec["form"] == "mask":
        return (w > 0).float()
    return w


def uniform(seed):
    return {"seed": seed, "form": "uniform"}


def cubed(seed):
    return {"seed": seed, "form": "cubed"}


def levels(seed, count):
    return {"seed": seed, "form": "levels", "levels": count}


def organ(width):
    return {"seed": 0, "form": "organ", "levels": width}


def packed(mask):
    flat = mask.detach().contiguous().view(-1).numpy().astype(np.uint8)
    assert set(np.unique(flat)) <= {0, 1}
    if flat.size <= HEX_UP_TO:
        return np.packbits(flat).tobytes().hex()
    return "sha256:" + hashlib.sha256(flat.tobytes()).hexdigest()


def built(parameter):
    layer = parameter["layer"]
    module = getattr(torch.nn, layer["kind"])(*layer["args"], **({"groups": layer["groups"]} if "groups" in layer else {}))
    tensor = getattr(module, parameter["parameter"])
    parameter["shape"] = list(tensor.shape)
    with torch.no_grad():
        tensor.copy_(values(tensor.shape, parameter["weights"]))
    return module, parameter["parameter"]


def torch_amount(amount):
    return float(amount["fraction"]) if "fraction" in amount else int(amount["count"])


def torch_norm(n):
    return float(n) if n in ("inf", "-inf") else n


def run_local(module, name, step):
    shape = getattr(module, name).shape
    kwargs = {}
    if "amount" in step:
        kwargs["amount"] = torch_amount(step["amount"])
    if "n" in step:
        kwargs["n"] = torch_norm(step["n"])
    if "dim" in step:
        kwargs["dim"] = step["dim"]
    if "scores" in step:
        kwargs["importance_scores"] = values(shape, step["scores"][0])
    if "new" in step:
        kwargs["mask"] = values(shape, step["new"])
    getattr(prune, step["method"])(module, name, **kwargs)


def run_global(modules, step):
    kwargs = {"amount": torch_amount(step["amount"])}
    if "scores" in step:
        kwargs["importance_scores"] = {
            (module, name): values(getattr(module, name).shape, spec)
            for (module, name), spec in zip(modules, step["scores"])
        }
    prune.global_unstructured(modules, getattr(prune, step["method"]), **kwargs)


def finish(case, is_global):
    modules = [built(parameter) for parameter in case["parameters"]]
    for step in case["steps"]:
        if "seed" in step:
            torch.manual_seed(int(step["seed"]))
        if is_global:
            run_global(modules, step)
        else:
            run_local(*modules[0], step)
        step["masks"] = [packed(getattr(module, name + "_mask")) for module, name in modules]
    return case


def fraction(f):
    return {"fraction": f}


def count(k):
    return {"count": k}


def l1(amount, **more):
    return {"method": "l1_unstructured", "amount": amount, **more}


def random(amount, seed):
    return {"method": "random_unstructured", "amount": amount, "seed": str(seed)}


def ln(amount, n, dim, **more):
    return {"method": "ln_structured", "amount": amount, "n": n, "dim": dim, **more}


def random_channels(amount, dim, seed):
    return {"method": "random_structured", "amount": amount, "dim": dim, "seed": str(seed)}


def parameter(kind, args, name, weights, groups=1):
    layer = {"kind": kind, "args": args}
    if groups != 1:
        layer["groups"] = groups
    return {"layer": layer, "parameter": name, "weights": weights}


# label, kind, args, name, groups
LAYERS = [
    ("linear", "Linear", [20, 12], "weight", 1),
    ("linear bias", "Linear", [5, 40], "bias", 1),
    ("conv1d", "Conv1d", [6, 10, 5], "weight", 1),
    ("conv2d", "Conv2d", [6, 12, 3], "weight", 1),
    ("conv2d 1x1", "Conv2d", [24, 16, 1], "weight", 1),
    ("conv3d", "Conv3d", [3, 6, 3], "weight", 1),
    ("transposed conv2d", "ConvTranspose2d", [8, 6, 3], "weight", 1),
    ("depthwise conv2d", "Conv2d", [12, 12, 3], "weight", 12),
    ("depthwise conv2d, two a channel", "Conv2d", [9, 18, 3], "weight", 9),
    ("embedding", "Embedding", [30, 11], "weight", 1),
    ("lstm input", "LSTM", [7, 5], "weight_ih_l0", 1),
    ("lstm recurrent", "LSTM", [7, 5], "weight_hh_l0", 1),
    ("gru input", "GRU", [8, 5], "weight_ih_l0", 1),
    ("gru recurrent", "GRU", [8, 6], "weight_hh_l0", 1),
    ("rnn recurrent", "RNN", [4, 16], "weight_hh_l0", 1),
    ("batch norm", "BatchNorm2d", [64], "weight", 1),
]


def unstructured_scenarios(s):
    yield "L1 by fraction", uniform(s), [l1(fraction(0.3))]
    yield "L1 by fraction, ties", levels(s, 4), [l1(fraction(0.5))]
    yield "L1 by count, ties of signs", levels(s, 1), [l1(count(17))]
    yield "L1 of one, ties", levels(s, 2), [l1(count(1))]
    yield "L1 of nothing, then of everything", uniform(s), [l1(count(0)), l1(fraction(1.0))]
    yield "L1 three times", cubed(s), [l1(count(5)), l1(fraction(0.5)), l1(fraction(0.5))]
    yield "L1 three times, ties", levels(s, 8), [l1(fraction(0.25)), l1(fraction(0.5)), l1(count(3))]
    yield "L1 by scores, ties", uniform(s), [l1(fraction(0.4), scores=[levels(s + 1, 4)])]
    yield "random by fraction", uniform(s), [random(fraction(0.3), 0)]
    yield "random by count", uniform(s), [random(count(7), s)]
    yield "random of everything", uniform(s), [random(fraction(1.0), 5)]
    yield "random three times", uniform(s), [
        random(fraction(0.5), 2**32 + 7),
        random(fraction(0.4), -3),
        random(fraction(0.9), 2**64 - 1 - s),
    ]
    yield "random, L1, custom, identity, random", levels(s, 4), [
        random(fraction(0.2), 123456789012345 + s),
        l1(fraction(0.3)),
        {"method": "custom_from_mask", "new": {"seed": s + 2, "form": "mask"}},
        {"method": "identity"},
        random(count(2), 67280421310721),
    ]


def structured_scenarios(s, rank):
    last = rank - 1
    yield "L2 of axis 0", uniform(s), [ln(fraction(0.5), 2, 0)]
    yield "L1 of axis 1, ties", levels(s, 2), [ln(fraction(0.4), 1, 1)]
    yield "L2 of axis 0 by count, ties", levels(s, 1), [ln(count(2), 2, 0)]
    yield "largest of the last axis, ties", levels(s, 4), [ln(count(1), "inf", -1)]
    yield "smallest of axis 0", uniform(s), [ln(fraction(0.5), "-inf", 0)]
    yield "non-zeros of axis 0, ties", levels(s, 1), [ln(fraction(0.3), 0, 0)]
    yield "L3 of axis 1", uniform(s), [ln(fraction(0.3), 3, 1)]
    yield "L2 three times", cubed(s), [ln(fraction(0.5), 2, 0), ln(fraction(0.5), 2, 0), ln(count(1), 1, last)]
    yield "L2 by scores", uniform(s), [ln(count(2), 2, 0, scores=[cubed(s + 1)])]
    yield "random channels", uniform(s), [random_channels(fraction(0.5), 0, s)]
    yield "random channels twice, other axis", uniform(s), [
        random_channels(count(1), 1, 2**32 + 7),
        random_channels(fraction(0.5), 0, -1),
        random_channels(fraction(0.5), 0, 11),
    ]
    yield "random, L2 of axis 0, L1, random channels", levels(s, 4), [
        random(fraction(0.4), s + 9),
        ln(fraction(0.25), 2, 0),
        l1(fraction(0.3)),
        random_channels(fraction(0.5), 1, 99),
    ]
    if rank <= 3:
        yield "Frobenius of axis 0", uniform(s), [ln(fraction(0.5), "fro", 0)]
    if rank == 3:
        yield "nuclear of axis 0", uniform(s), [ln(fraction(0.5), "nuc", 0)]


def local_cases():
    for index, (label, kind, args, name, groups) in enumerate(LAYERS):
        seed = 100 * index
        rank = len(built(parameter(kind, args, name, uniform(0), groups))[0]._parameters[name].shape)
        scenarios = list(unstructured_scenarios(seed))
        if rank > 1:
            scenarios += structured_scenarios(seed, rank)
        for title, weights, steps in scenarios:
            yield {
                "name": f"{label}: {title}",
                "parameters": [parameter(kind, args, name, weights, groups)],
                "steps": steps,
            }


def organ_cases():
    for width in (1, 3, 5):
        for amount in (61, 385, 769, 1537, 2303):
            yield {
                "name": f"organ pipes of width {width}: L1 of {amount}",
                "parameters": [parameter("Linear", [64, 48], "weight", organ(width))],
                "steps": [l1(count(amount)), l1(fraction(0.3))],
            }


def large_local_cases():
    conv = ("Conv2d", [512, 512, 3], "weight")
    fc = ("Linear", [2048, 1000], "weight")
    stem = ("Conv2d", [3, 64, 7], "weight")
    for title, layer, weights, steps in [
        ("stem: random", stem, uniform(1), [random(fraction(0.2), 0)]),
        ("stem: L1, ties", stem, levels(1, 256), [l1(fraction(0.2)), l1(fraction(0.01))]),
        ("conv: L1", conv, uniform(2), [l1(fraction(0.2)), l1(fraction(0.5)), l1(fraction(0.8))]),
        ("conv: L1, ties", conv, levels(3, 128), [l1(fraction(0.5)), l1(fraction(0.01))]),
        ("conv: random", conv, uniform(2), [random(fraction(0.5), 3), random(fraction(0.2), 4), random(fraction(0.004), 5)]),
        ("conv: L2 of output channels", conv, uniform(2), [ln(fraction(0.5), 2, 0), l1(fraction(0.5)), ln(fraction(0.1), 1, 1)]),
        ("fc: L1", fc, cubed(6), [l1(fraction(0.8)), l1(fraction(0.1))]),
        ("fc: random", fc, uniform(6), [random(fraction(0.8), 2**32 + 7), random_channels(fraction(0.3), 1, 8)]),
    ]:
        yield {"name": f"ResNet50 {title}", "parameters": [parameter(*layer, weights)], "steps": steps}


def glob(method, amount, seed=None, **more):
    step = {"method": method, "amount": amount, **more}
    return step if seed is None else {**step, "seed": str(seed)}


def global_cases():
    small = [
        ("Conv2d", [3, 8, 3], "weight"),
        ("Conv2d", [8, 8, 3], "weight"),
        ("Linear", [24, 10], "weight"),
        ("Linear", [24, 10], "bias"),
        ("Embedding", [12, 7], "weight"),
        ("GRU", [6, 5], "weight_ih_l0"),
    ]
    for s in range(6):
        for label, form in [("", uniform), (", many magnitudes", cubed), (", ties", lambda seed: levels(seed, 4))]:
            layers = small[: 2 + s % 5]
            steps = [
                [glob("L1Unstructured", fraction(0.3)), glob("L1Unstructured", fraction(0.5))],
                [glob("RandomUnstructured", fraction(0.4), s), glob("L1Unstructured", count(20))],
                [glob("L1Unstructured", count(3)), glob("RandomUnstructured", fraction(0.5), -s - 1), glob("L1Unstructured", fraction(0.2))],
                [glob("L1Unstructured", count(0)), glob("RandomUnstructured", fraction(0.01), 2**40 + s)],
                [glob("L1Unstructured", fraction(0.6), scores=[levels(900 + i, 2) for i in range(len(layers))])],
                [glob("RandomUnstructured", count(100), 0), glob("RandomUnstructured", fraction(1.0), 1)],
            ][s]
            yield {
                "name": f"global over {len(layers)}, run {s}{label}",
                "parameters": [parameter(*layer, form(1000 + 10 * s + i)) for i, layer in enumerate(layers)],
                "steps": steps,
            }


def resnet50_layers():
    yield ("Conv2d", [3, 64, 7], "weight")
    channels = 64
    for width, blocks in [(64, 3), (128, 4), (256, 6), (512, 3)]:
        for block in range(blocks):
            yield ("Conv2d", [channels, width, 1], "weight")
            yield ("Conv2d", [width, width, 3], "weight")
            yield ("Conv2d", [width, 4 * width, 1], "weight")
            if block == 0:
                yield ("Conv2d", [channels, 4 * width, 1], "weight")
            channels = 4 * width
    yield ("Linear", [2048, 1000], "weight")


def large_global_cases():
    for label, form, steps in [
        ("L1", cubed, [glob("L1Unstructured", fraction(0.2)), glob("L1Unstructured", fraction(0.5))]),
        ("random, then L1", uniform, [glob("RandomUnstructured", fraction(0.2), 0), glob("L1Unstructured", fraction(0.8))]),
        ("random", uniform, [glob("RandomUnstructured", fraction(0.5), 7)]),
    ]:
        yield {
            "name": f"ResNet50 global: {label}",
            "parameters": [parameter(*layer, form(i)) for i, layer in enumerate(resnet50_layers())],
            "steps": steps,
        }


def line(case):
    assert not any(isinstance(step.get("n"), float) and math.isinf(step["n"]) for step in case["steps"])
    return json.dumps(case, separators=(",", ":"))


def write():
    cases = [finish(case, False) for case in [*local_cases(), *large_local_cases()]]
    selection = [finish(case, False) for case in organ_cases()]
    glob_cases = [finish(case, True) for case in [*global_cases(), *large_global_cases()]]
    names = [case["name"] for case in cases + selection + glob_cases]
    assert len(set(names)) == len(names)
    target = pathlib.Path(__file__).parent.parent / "fixtures" / "masks.json"
    parts = [",\n".join(map(line, group)) for group in (cases, selection, glob_cases)]
    target.write_text(
        f'{{"torch":"{torch.__version__}","cases":[\n{parts[0]}\n],"selection":[\n{parts[1]}\n],"global":[\n{parts[2]}\n]}}\n'
    )
    print(f"{len(cases)} cases, {len(selection)} for the selection and {len(glob_cases)} global ones, {target.stat().st_size} bytes")


if __name__ == "__main__":
    write()

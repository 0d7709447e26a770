"""Writes what torch 1.13 and torchvision 0.14 give for random initialisation and for the ResNets.

Run with the Python that has them, on Linux x86-64 with AVX2: python3 test/parity/generate/resnet.py

With the arguments `live <folder> <seed>` it writes resnet50.pth, with weights of that seed and batch norms that
matter, and the logits it gives for a fixed input, as the live half of the parity tests needs them. With
`family <folder> <seed>` it does the same for the other ResNets, on a smaller input: <name>.pth and <name>.json.
"""

import base64
import hashlib
import json
import math
import pathlib
import sys

import torch
import torch_pin  # noqa: F401
import torchvision

OUT = pathlib.Path(__file__).parent.parent / "fixtures"
INPUT_SEED = 1234
SIZES = ((224, 224), (97, 65), (64, 64), (32, 32))
FAMILY = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "wide_resnet50_2",
    "wide_resnet101_2",
)
FAMILY_SIZE = (64, 64)


def encode(tensor):
    return base64.b64encode(tensor.detach().contiguous().numpy().tobytes()).decode()


def digest(tensor):
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()


def image(height, width):
    torch.manual_seed(INPUT_SEED)
    return torch.rand(1, 3, height, width)


def logits(model, height, width):
    with torch.no_grad():
        return model.eval()(image(height, width))[0]


def init_cases():
    """Every case draws twice, so that what one call leaves in the generator shows in the next."""
    cases = []

    def case(kind, size, seed, fill, **options):
        torch.manual_seed(seed)
        first, second = torch.empty(size), torch.empty(size)
        fill(first)
        fill(second)
        both = torch.cat([first.reshape(-1), second.reshape(-1)])
        cases.append({"kind": kind, "size": list(first.shape), "seed": seed, **options, "values": encode(both)})

    for size in (1, 2, 3, 5, 15, 16, 17, 23, 31, 32, 33, 100):
        for seed in (0, 7, 2**32 + 5):
            for mean, std in ((0.0, 1.0), (0.5, 0.017)):
                case("normal", [size], seed, lambda t: t.normal_(mean, std), mean=mean, std=std)
            for low, high in ((0.0, 1.0), (-0.125, 0.3), (-0.051031036307982884, 0.051031036307982884)):
                case("uniform", [size], seed, lambda t: t.uniform_(low, high), low=low, high=high)
    for size in ([4, 3, 3, 3], [10, 7], [5, 2, 1, 1], [2, 6, 3], [3, 2, 2, 2, 2]):
        for mode in ("fan_in", "fan_out"):
            kaiming = {"mode": mode, "nonlinearity": "relu"}
            case("kaimingNormal", size, 3, lambda t: torch.nn.init.kaiming_normal_(t, **kaiming), **kaiming)
            leaky = {"a": math.sqrt(5), "mode": mode, "nonlinearity": "leaky_relu"}
            case("kaimingUniform", size, 3, lambda t: torch.nn.init.kaiming_uniform_(t, **leaky), **leaky)
    return cases


def hashed_cases():
    """Long runs, in which rare roundings show; only their hashes are kept."""
    cases = []
    for size, seed in ((2_000_000, 11), (1_000_003, 12)):
        torch.manual_seed(seed)
        values = torch.empty(size).normal_(0.0, 0.02)
        cases.append({"kind": "normal", "size": size, "seed": seed, "mean": 0.0, "std": 0.02, "sha256": digest(values)})
    return cases


def resnet(seed, sizes):
    torch.manual_seed(seed)
    model = torchvision.models.resnet50(weights=None)
    state = model.state_dict()
    return {
        "seed": seed,
        "tensors": {
            name: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "sha256": digest(t)}
            for name, t in state.items()
        },
        "logits": {f"{h}x{w}": encode(logits(model, h, w)) for h, w in sizes},
    }


def state_digest(model):
    """Names, shapes and values of a state dict, in order, as one hash."""
    state = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        state.update(f"{name} {list(tensor.shape)}\n".encode())
        state.update(tensor.detach().contiguous().numpy().tobytes())
    return state.hexdigest()


def family_case(name, seed, **options):
    torch.manual_seed(seed)
    model = getattr(torchvision.models, name)(weights=None, **options)
    # What is drawn next tells how far the generator was moved on.
    drawn = torch.randint(2**31, (1,)).item()
    case = {"name": name, "seed": seed, "entries": len(model.state_dict()), "drawn": drawn}
    return {**case, "numClasses": options.get("num_classes", 1000), "sha256": state_digest(model)}


def features_case(name, seed):
    """What a network without its classifier gives."""
    torch.manual_seed(seed)
    model = getattr(torchvision.models, name)(weights=None)
    model.fc = torch.nn.Identity()
    map_of = torch.nn.Sequential(*list(model.eval().children())[:-2])
    with torch.no_grad():
        features = map_of(image(*FAMILY_SIZE))[0].permute(1, 2, 0)
    return {"name": name, "seed": seed, "pooled": encode(logits(model, *FAMILY_SIZE)), "map": encode(features)}


def head_case(features, classes, seed):
    """A classifier for other classes, as it is drawn when it replaces the one of a pretrained network."""
    torch.manual_seed(seed)
    fc = torch.nn.Linear(features, classes)
    return {"features": features, "classes": classes, "seed": seed, "weight": digest(fc.weight), "bias": digest(fc.bias)}


def with_batch_norms(model):
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.2, 0.6)
                module.bias.normal_(0, 0.1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2.0)
                module.num_batches_tracked.fill_(7)
    return model


def live(folder, seed):
    torch.manual_seed(seed)
    model = with_batch_norms(torchvision.models.resnet50(weights=None))
    path = pathlib.Path(folder) / "resnet50.pth"
    torch.save(model.state_dict(), path)
    sizes = {f"{h}x{w}": encode(logits(model, h, w)) for h, w in ((224, 224), (97, 65))}
    state = {name: digest(t) for name, t in model.state_dict().items()}
    (pathlib.Path(folder) / "logits.json").write_text(json.dumps({"logits": sizes, "sha256": state}))


def live_family(folder, seed):
    for name in FAMILY:
        if name == "resnet50":
            continue
        torch.manual_seed(seed)
        model = with_batch_norms(getattr(torchvision.models, name)(weights=None))
        torch.save(model.state_dict(), pathlib.Path(folder) / f"{name}.pth")
        expected = {"logits": encode(logits(model, *FAMILY_SIZE))}
        (pathlib.Path(folder) / f"{name}.json").write_text(json.dumps(expected))


def main():
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    init = {**versions, "cases": init_cases(), "hashed": hashed_cases()}
    (OUT / "resnet-init.json").write_text(json.dumps(init, separators=(",", ":")) + "\n")
    models = {**versions, "inputSeed": INPUT_SEED, "models": [resnet(0, SIZES), resnet(7, SIZES[:1])]}
    (OUT / "resnet50.json").write_text(json.dumps(models, indent=1) + "\n")
    family = {
        **versions,
        "inputSeed": INPUT_SEED,
        "models": [
            # The fixture above has every tensor of ResNet50.
            *(family_case(name, 0) for name in FAMILY if name != "resnet50"),
            family_case("resnet18", 5, num_classes=10),
        ],
        "features": [features_case(name, 0) for name in ("resnet18", "resnet50")],
        "head": head_case(512, 10, 3),
    }
    (OUT / "resnet-family.json").write_text(json.dumps(family, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        live(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["family"]:
        live_family(sys.argv[2], int(sys.argv[3]))
    else:
        main()

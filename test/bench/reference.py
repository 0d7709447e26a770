"""The PyTorch half of `npm run bench`: reads one case a line, runs it, answers with its milliseconds as JSON."""
import json
import resource
import sys
import time

import torch
import torchvision
from torch.nn.utils import prune

MODEL = torchvision.models.resnet50(weights=None)
WEIGHTS = [
    (module, "weight")
    for module in MODEL.modules()
    if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))
]
LARGEST = MODEL.layer4[0].conv2
METHODS = {"l1": prune.L1Unstructured, "random": prune.RandomUnstructured}


def timed(modules, action):
    before = [module.weight.detach().clone() for module in modules]
    start = time.perf_counter()
    action()
    elapsed = (time.perf_counter() - start) * 1000
    for module, weight in zip(modules, before):
        prune.remove(module, "weight")
        with torch.no_grad():
            module.weight.copy_(weight)
    return elapsed


def run(case):
    kind, amount = case["kind"], case["amount"]
    if kind in METHODS:
        modules = [module for module, _ in WEIGHTS]
        return timed(modules, lambda: prune.global_unstructured(WEIGHTS, METHODS[kind], amount=amount))
    if kind == "local-l1":
        return timed([LARGEST], lambda: prune.l1_unstructured(LARGEST, "weight", amount))
    return timed([LARGEST], lambda: prune.ln_structured(LARGEST, "weight", amount, n=2, dim=0))


def save(path):
    torch.save(MODEL.state_dict(), path)
    return 0


def load(path):
    start = time.perf_counter()
    model = torchvision.models.resnet50(weights=None)
    model.load_state_dict(torch.load(path))
    model.eval()
    return (time.perf_counter() - start) * 1000


TRAINING = {}


def start_training():
    torch.set_num_threads(1)
    model = torchvision.models.resnet50(weights=None).train()
    TRAINING["model"] = model
    TRAINING["optimizer"] = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    TRAINING["images"], TRAINING["classes"] = torch.randn(4, 3, 64, 64), torch.tensor([1, 5, 7, 9])


def train():
    """A step of training on one thread."""
    if not TRAINING:
        start_training()
    start = time.perf_counter()
    TRAINING["optimizer"].zero_grad()
    loss = torch.nn.functional.cross_entropy(TRAINING["model"](TRAINING["images"]), TRAINING["classes"])
    loss.backward()
    TRAINING["optimizer"].step()
    loss.item()
    return (time.perf_counter() - start) * 1000


def answer(value):
    print(json.dumps(value), flush=True)


answer({"version": torch.__version__, "threads": torch.get_num_threads()})
for line in sys.stdin:
    case = json.loads(line)
    if case["kind"] == "peak":
        answer(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    elif case["kind"] == "step":
        answer(train())
    elif case["kind"] in ("save", "load"):
        answer({"save": save, "load": load}[case["kind"]](case["path"]))
    else:
        answer(run(case))

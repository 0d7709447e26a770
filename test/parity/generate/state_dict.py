"""The torch half of the live tests of state dicts.

python3 test/parity/generate/state_dict.py load FILE.pth: loads a pruned state dict into torchvision's resnet50, as a user
would, and prints its logits.
python3 test/parity/generate/state_dict.py save FOLDER SEED: prunes torchvision's resnet50, and writes its state dict as
pruned.pth, and its logits as pruned.json.
"""

import json
import pathlib
import sys

import torch
import torch.nn.utils.prune as prune
import torchvision
from resnet import encode, image

SIZE = 64
SUFFIX = "_orig"


def logits_of(model):
    with torch.no_grad():
        return encode(model.eval()(image(SIZE, SIZE))[0])


def load(path):
    state = torch.load(path, weights_only=True)
    model = torchvision.models.resnet50()
    for name in list(state):
        if name.endswith(SUFFIX):
            module, parameter = name[: -len(SUFFIX)].rsplit(".", 1)
            prune.identity(model.get_submodule(module), parameter)
    model.load_state_dict(state)
    # The forward pass is what makes each weight from its _orig and _mask.
    logits = logits_of(model)
    zeros = {
        name: int((getattr(module, parameter) == 0).sum())
        for name, module in model.named_modules()
        for parameter in ("weight", "bias")
        if hasattr(module, f"{parameter}_mask")
    }
    print(json.dumps({"logits": logits, "zeros": zeros}))


def save(folder, seed):
    torch.manual_seed(seed)
    model = torchvision.models.resnet50()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.2, 0.6)
                module.bias.normal_(0, 0.1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2.0)
                module.num_batches_tracked.fill_(7)
    everywhere = [(m, "weight") for m in model.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    prune.global_unstructured(everywhere, prune.L1Unstructured, amount=0.6)
    prune.ln_structured(model.layer2[0].conv2, "weight", amount=0.25, n=2, dim=0)
    prune.ln_structured(model.layer1[0].conv1, "weight", amount=0.5, n=1, dim=1)
    prune.random_unstructured(model.fc, "weight", amount=0.3)
    prune.l1_unstructured(model.fc, "bias", amount=100)
    torch.save(model.state_dict(), pathlib.Path(folder) / "pruned.pth")
    (pathlib.Path(folder) / "pruned.json").write_text(json.dumps({"logits": logits_of(model)}))


if __name__ == "__main__":
    if sys.argv[1] == "load":
        load(sys.argv[2])
    else:
        save(sys.argv[2], int(sys.argv[3]))

"""Writes images, the weights of a ResNet18 after torch.manual_seed(0), its fc made decided, and what torchvision sees in
the images: classify.py FOLDER FRACTION. Prints {"images": {name: {"width", "height", "rgb"}}, "guesses": {name: {"before", "after"}}},
where rgb is PIL's pixels in base64, upright, and a guess is [name, probability].
"""

import base64
import json
import pathlib
import sys

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps
from torch.nn.utils import prune
from torchvision.models._meta import _IMAGENET_CATEGORIES
from torchvision.transforms._presets import ImageClassification

folder, fraction = pathlib.Path(sys.argv[1]), float(sys.argv[2])


def smooth(width, height, channels):
    y, x, c = np.indices((height, width, channels))
    waves = 128 + 60 * np.sin(x / (9 + c) + c) + 60 * np.cos(y / (7 + 2 * c))
    return waves.astype(np.uint8)


def save(name, pixels, mode="RGB", **options):
    Image.fromarray(pixels, mode).save(folder / name, **options)


upright = Image.Exif()
upright[0x0112] = 6  # Orientation: turn by 90° clockwise.
save("rgb.png", smooth(301, 233, 3))
save("alpha.png", smooth(97, 131, 4), "RGBA")
save("grey.png", smooth(120, 80, 1)[:, :, 0], "L")
Image.fromarray(smooth(90, 60, 3)).quantize(32).save(folder / "palette.png")
save("lossless.webp", smooth(111, 222, 3), lossless=True)
save("photo.jpg", smooth(320, 240, 3), quality=95)
save("lying.jpg", smooth(320, 240, 3), quality=95, exif=upright)

images = {path.name: ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in sorted(folder.iterdir())}
inputs = {name: ImageClassification(crop_size=224)(image)[None] for name, image in images.items()}

torch.manual_seed(0)
model = torchvision.models.resnet18(weights=None).eval()
with torch.no_grad():
    model.fc.weight.mul_(10)
torch.save(model.state_dict(), folder / "resnet18.pth")


def guesses():
    with torch.no_grad():
        for name, image in inputs.items():
            top = model(image).softmax(1)[0].topk(5)
            yield name, [[_IMAGENET_CATEGORIES[i], p] for p, i in zip(top.values.tolist(), top.indices.tolist())]


before = dict(guesses())
weights = [(m, "weight") for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
prune.global_unstructured(weights, prune.L1Unstructured, amount=fraction)
after = dict(guesses())
json.dump(
    {
        "images": {
            name: {"width": image.width, "height": image.height, "rgb": base64.b64encode(image.tobytes()).decode()}
            for name, image in images.items()
        },
        "guesses": {name: {"before": before[name], "after": after[name]} for name in images},
    },
    sys.stdout,
)

"""Writes ../fixtures/transforms.json: what PIL and torchvision's ImageClassification preset make of images.

Run with Debian's python3 (python3-torchvision 0.14, python3-pil 9.4): `python3 transforms.py`.
`python3 transforms.py live` reads a list of cases from the standard input and writes them back with what is expected.

Format. {"torchvision": version, "pil": version, "cases": [case]}; a case is
  name      unique
  image     {"width", "height", "form", "seed"}, see below
  options   resize, crop, interpolation, and mean and std where they are not ImageNet's
  resized   [width, height] of the image that PIL resized
  pixels    its bytes, RGB, row by row: {"base64"} of few, {"sha256"} of many
  output    the preset's result as [crop, crop, 3], little-endian float32: the same
Byte i of an image, counted over rows, columns and RGB, is by form, with h(i) = MurmurHash3's 32-bit finaliser of
(i + seed * 0x9E3779B1) mod 2^32:
  "noise" h >> 24; "edges" 255 if h's highest bit is set, else 0; "ramp" (x + 2 y + 85 c) mod 256.
"""

import base64
import hashlib
import json
import pathlib
import sys

import numpy as np
import PIL
import torch_pin  # noqa: F401
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms._presets import ImageClassification

BASE64_UP_TO = 1024


def finaliser(h):
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def image(spec):
    width, height, form, seed = spec["width"], spec["height"], spec["form"], spec["seed"]
    y, x, c = np.indices((height, width, 3))
    if form == "ramp":
        return (x + 2 * y + 85 * c) % 256
    i = np.arange(height * width * 3, dtype=np.uint64) + np.uint64(seed * 0x9E3779B1)
    h = finaliser((i & np.uint64(0xFFFFFFFF)).astype(np.uint32)).reshape(height, width, 3)
    return h >> 24 if form == "noise" else (h >> 31) * 255


def written(values):
    data = values.tobytes()
    if len(data) <= BASE64_UP_TO:
        return {"base64": base64.b64encode(data).decode()}
    return {"sha256": hashlib.sha256(data).hexdigest()}


def finish(case):
    options = case["options"]
    picture = Image.fromarray(image(case["image"]).astype(np.uint8))
    mode = InterpolationMode(options["interpolation"])
    resized = F.resize(picture, [options["resize"]], interpolation=mode)
    normalisation = {key: tuple(options[key]) for key in ("mean", "std") if key in options}
    preset = ImageClassification(
        crop_size=options["crop"], resize_size=options["resize"], interpolation=mode, **normalisation
    )
    output = preset(picture).permute(1, 2, 0).contiguous().numpy()
    assert output.dtype == np.dtype("<f4")
    case["resized"] = list(resized.size)
    case["pixels"] = written(np.array(resized))
    case["output"] = written(output)
    return case


def case(name, width, height, form, resize, crop, interpolation="bilinear", **normalisation):
    return {
        "name": name,
        "image": {"width": width, "height": height, "form": form, "seed": width * 1000 + height},
        "options": {"resize": resize, "crop": crop, "interpolation": interpolation, **normalisation},
    }


def cases():
    yield case("the presets' IMAGENET1K_V1", 500, 375, "noise", 256, 224)
    yield case("the presets' IMAGENET1K_V2", 500, 375, "noise", 232, 224)
    yield case("upright", 333, 517, "noise", 256, 224)
    yield case("a square", 301, 301, "edges", 256, 224)
    yield case("already of the size", 256, 256, "noise", 256, 224)
    yield case("already of the size, wider", 341, 256, "noise", 256, 224)
    yield case("up, odd", 37, 53, "noise", 256, 224)
    yield case("up, odd crop", 37, 53, "ramp", 101, 57)
    yield case("down a lot", 1201, 803, "noise", 31, 17)
    yield case("a ramp", 640, 427, "ramp", 256, 224)
    yield case("wide", 600, 7, "noise", 48, 33)
    yield case("tall", 5, 411, "edges", 29, 28)
    yield case("one pixel", 1, 1, "noise", 256, 224)
    yield case("one row", 19, 1, "noise", 3, 3)
    yield case("one column", 1, 19, "noise", 2, 1)
    yield case("small down", 23, 17, "noise", 9, 8)
    yield case("small up", 7, 5, "edges", 11, 9)
    yield case("smaller than the crop", 23, 17, "noise", 8, 13)
    yield case("smaller than the crop by an odd number", 5, 5, "noise", 4, 9)
    yield case("lower than the crop, and wider", 29, 11, "noise", 6, 9)
    yield case("offsets of a half, below an even number", 9, 8, "ramp", 8, 5)
    yield case("offsets of a half, below an odd number", 11, 8, "ramp", 8, 7)
    yield case("another normalisation", 23, 17, "noise", 9, 8, mean=[0.5, 0.4, 0.1], std=[0.5, 0.3, 1.0])
    yield case("bicubic, down", 500, 375, "noise", 232, 224, "bicubic")
    yield case("bicubic, up", 37, 53, "noise", 256, 224, "bicubic")
    yield case("bicubic, overshooting", 41, 67, "edges", 64, 56, "bicubic")
    yield case("bicubic, small", 7, 5, "edges", 11, 9, "bicubic")
    yield case("bicubic, one pixel", 1, 1, "noise", 5, 4, "bicubic")


if sys.argv[1:] == ["live"]:
    json.dump([finish(example) for example in json.load(sys.stdin)], sys.stdout)
else:
    document = {
        "torchvision": torchvision.__version__,
        "pil": PIL.__version__,
        "cases": [finish(example) for example in cases()],
    }
    path = pathlib.Path(__file__).parent.parent / "fixtures" / "transforms.json"
    path.write_text(json.dumps(document, indent=1) + "\n")

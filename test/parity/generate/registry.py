"""Writes what the library knows of torchvision's pretrained ResNets, and the names of ImageNet's classes.

Run with Debian's torchvision 0.14: python3 test/parity/generate/registry.py

It writes src/models/registry-data.ts and src/models/imagenet-categories.ts, which are code of the library, not
fixtures; with a folder as its argument it writes them there, for the test that compares them. Everything is read off
torchvision but the copies on the Hugging Face hub, of which torchvision knows nothing.
"""

import json
import pathlib
import sys

import torch_pin  # noqa: F401
import torchvision
from torchvision.transforms import InterpolationMode

OUT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[3] / "src" / "models"
ENUMS = (
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "Wide_ResNet50_2_Weights",
    "Wide_ResNet101_2_Weights",
)
# timm publishes the same weights as safetensors, under torch's names: tv for the first version, tv2 for the second. It has
# all twelve. Its list may give other addresses for the first version: torchvision has written those files anew since,
# with the same values (https://github.com/huggingface/pytorch-image-models/pull/2346).
HUB_TAGS = {"IMAGENET1K_V1": "tv_in1k", "IMAGENET1K_V2": "tv2_in1k"}
# The SHA-256 that the hub shows for model.safetensors, at https://huggingface.co/timm/<name>/blob/main/model.safetensors.
HUB_SHA256 = {
    "resnet18.tv_in1k": "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
    "resnet50.tv_in1k": "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
    "resnet152.tv_in1k": "15897077afdf4d6334dc0c3f8e6fb483afb3faa9298c139f3c6eb29bca6ae5b2",
    "wide_resnet50_2.tv_in1k": "df6fb6c4824769769de18e14088475fd6ee94236849aa4e5d8022ba9d9a9a16c",
    "wide_resnet101_2.tv2_in1k": "0438046a3b7bb8166e6564dec811985d595f3098c9970181305945e0efa964c3",
}
HEADER = "// Written by test/parity/generate/registry.py from torchvision {}. Do not edit.\n".format(
    torchvision.__version__.split("a")[0]
)


def quoted(text):
    return json.dumps(text) if "'" in text else "'" + text + "'"


def literal(value, indent):
    """A value as TypeScript, laid out as the formatter does."""
    pad = "  " * (indent + 1)
    if isinstance(value, dict):
        lines = [f"{pad}{key}: {literal(item, indent + 1)},\n" for key, item in value.items()]
        return "{\n" + "".join(lines) + "  " * indent + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item, indent) for item in value) + "]"
    return quoted(value) if isinstance(value, str) else repr(value)


def hub_copy(model, name):
    repository = f"{model}.{HUB_TAGS[name]}"
    copy = {"repository": f"timm/{repository}"}
    return {**copy, "sha256": HUB_SHA256[repository]} if repository in HUB_SHA256 else copy


def entry(model, name, weights):
    preset = weights.transforms()
    assert preset.interpolation is InterpolationMode.BILINEAR
    assert len(preset.crop_size) == len(preset.resize_size) == 1
    metrics = weights.meta["_metrics"]["ImageNet-1K"]
    return {
        "url": weights.url,
        "hub": hub_copy(model, name),
        "numParams": weights.meta["num_params"],
        "acc1": metrics["acc@1"],
        "acc5": metrics["acc@5"],
        "recipe": weights.meta["recipe"],
        "preprocessing": {
            "resize": preset.resize_size[0],
            "crop": preset.crop_size[0],
            "mean": preset.mean,
            "std": preset.std,
        },
    }


def registry():
    models = {}
    for enum in ENUMS:
        members = getattr(torchvision.models, enum)
        model = enum.removesuffix("_Weights").lower()
        weights = {weight.name: entry(model, weight.name, weight) for weight in members}
        models[model] = {"enumName": enum, "default": members.DEFAULT.name, "weights": weights}
    return models


def main():
    data = literal(registry(), 0)
    (OUT / "registry-data.ts").write_text(
        f"{HEADER}import type {{ RegistryEntry }} from './registry';\n"
        "import type { ResNetName } from './resnet-plan';\n\n"
        "/** torchvision's pretrained weights of each ResNet. */\n"
        f"export const REGISTRY: Readonly<Record<ResNetName, RegistryEntry>> = {data};\n"
    )
    categories = torchvision.models.ResNet50_Weights.DEFAULT.meta["categories"]
    assert len(categories) == 1000
    assert all(w.meta["categories"] == categories for enum in ENUMS for w in getattr(torchvision.models, enum))
    lines = "".join(f"  {quoted(name)},\n" for name in categories)
    (OUT / "imagenet-categories.ts").write_text(
        f"""{HEADER}
/**
 * The names of ImageNet's 1,000 classes, in the order of the logits of networks that torchvision trained on it: torch's
 * `weights.meta["categories"]`.
 *
 * @example
 * ```ts
 * const best = tf.tidy(() => (model.predict(image) as tf.Tensor).argMax(-1).dataSync()[0]!);
 * console.log(IMAGENET_CATEGORIES[best]);
 * ```
 */
export const IMAGENET_CATEGORIES: readonly string[] = [
{lines}];
"""
    )


if __name__ == "__main__":
    main()

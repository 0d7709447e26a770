"""Writes torchvision's ResNet50 with the weights of a .pth as ONNX: `export.py WEIGHTS.pth MODEL.onnx`."""
import sys
import warnings

import torch
import torchvision

weights, target = sys.argv[1:]
model = torchvision.models.resnet50(weights=None)
model.load_state_dict(torch.load(weights))
model.eval()
warnings.simplefilter("ignore")
torch.onnx.export(
    model, torch.zeros(1, 3, 224, 224), target, input_names=["input"], output_names=["logits"], opset_version=13
)

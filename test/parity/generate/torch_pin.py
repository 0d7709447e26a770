"""The one version of PyTorch that the fixtures are made with."""

import torch

assert torch.__version__.startswith("1.13."), f"fixtures need torch 1.13, this is {torch.__version__}"
torch.set_num_threads(1)

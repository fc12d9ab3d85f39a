"""Golden numbers of the optimizers: parameters after each step of PyTorch's AdamW and SGD, in float64.

Argument: a folder. Writes FOLDER/crates/narrows-train/tests/golden/optimizers.json, which names the version used.
Weights are decayed and biases are not, as in narrows-train.
"""

import json
import math
import pathlib
import sys

import torch

STEPS = 5
WEIGHT = [[0.5, -1.25], [2.0, 0.125]]
BIAS = [0.75, -0.5]
CASES = {
    "adamw": ({"adamw": {}}, lambda p: torch.optim.AdamW(p, lr=0.05)),
    "adamw other constants": (
        {"adamw": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}},
        lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3),
    ),
    "sgd plain": ({"sgd": {"momentum": 0.0}}, lambda p: torch.optim.SGD(p, lr=0.05)),
    "sgd momentum": ({"sgd": {"momentum": 0.9}}, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "sgd nesterov": (
        {"sgd": {"momentum": 0.9, "nesterov": True}},
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    ),
}


def gradients(step):
    value = lambda index: math.sin(1.0 + 3.0 * step + 0.7 * index)
    return [[value(0), value(1)], [value(2), value(3)]], [value(4), value(5)]


def run(build):
    weight = torch.tensor(WEIGHT, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(BIAS, dtype=torch.float64, requires_grad=True)
    optimizer = build([{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}])
    steps = []
    for step in range(STEPS):
        weight_gradient, bias_gradient = gradients(step)
        weight.grad = torch.tensor(weight_gradient, dtype=torch.float64)
        bias.grad = torch.tensor(bias_gradient, dtype=torch.float64)
        optimizer.step()
        steps.append(
            {
                "weight_gradient": weight_gradient,
                "bias_gradient": bias_gradient,
                "weight": weight.tolist(),
                "bias": bias.tolist(),
            }
        )
    return steps


golden = {
    "torch": torch.__version__.split("+")[0],
    "rate": 0.05,
    "decay": 0.1,
    "weight": WEIGHT,
    "bias": BIAS,
    "cases": [{"name": name, "optimizer": config, "steps": run(build)} for name, (config, build) in CASES.items()],
}
path = pathlib.Path(sys.argv[1]) / "crates/narrows-train/tests/golden/optimizers.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(golden, indent=1) + "\n")

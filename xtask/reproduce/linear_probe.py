"""How much a linear classifier finds in codes, for `cargo xtask reproduce contractive`.

`linear_probe.py LABELS TEST_LABELS CODES TEST_CODES` prints the accuracy on the test rows of a multinomial logistic regression on
standardised codes, as JSON. With `pca:N` for CODES and pictures for TEST_CODES (`IMAGES,TEST_IMAGES`), the codes are N principal
components of the training pictures.
"""

import gzip
import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F


def idx(path):
    with gzip.open(path) as file:
        zero, kind, axes = struct.unpack(">HBB", file.read(4))
        shape = struct.unpack(f">{axes}I", file.read(4 * axes))
        return torch.from_numpy(np.frombuffer(file.read(), np.uint8).reshape(shape).copy())


def components(count, train, test):
    mean = train.mean(0)
    values, vectors = torch.linalg.eigh((train - mean).T @ (train - mean) / len(train))
    axes = vectors[:, values.argsort(descending=True)[:count]]
    return (train - mean) @ axes, (test - mean) @ axes


def main():
    labels, test_labels, codes, test_codes = sys.argv[1:]
    y, test_y = idx(labels).long(), idx(test_labels).long()
    if codes.startswith("pca:"):
        x, test_x = (idx(path).flatten(1).double() / 255 for path in test_codes.split(","))
        x, test_x = components(int(codes[4:]), x, test_x)
    else:
        x, test_x = (torch.from_numpy(np.load(path)).double() for path in (codes, test_codes))
    mean, deviation = x.mean(0), x.std(0).clamp(min=1e-6)
    x, test_x = ((part - mean) / deviation for part in (x, test_x))
    weight = torch.zeros(10, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=300, history_size=10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weight.T + bias, y) + 1e-5 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    accuracy = ((test_x @ weight.T + bias).argmax(1) == test_y).double().mean().item()
    print(json.dumps({"accuracy": accuracy, "values": x.shape[1]}))


main()

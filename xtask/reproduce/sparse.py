"""Sparse autoencoders in PyTorch, after the papers, for `cargo xtask reproduce sparse`.

`sparse.py prepare FILE.safetensors` writes train.npy and test.npy: centred, mean square 1 a value, rows shuffled.
`sparse.py train KIND LATENTS K STEPS BATCH RATE SEED` trains KIND (top-k, batch-top-k, matryoshka) on train.npy, on one
thread, and prints the fraction of variance unexplained and the share of dead latents on test.npy as JSON.
"""

import json
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

TEST = 8192


def prepare(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        place = header["activations"]
        start, end = place["data_offsets"]
        file.seek(8 + length + start)
        rows = np.frombuffer(file.read(end - start), np.float16).reshape(place["shape"]).astype(np.float32)
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    train, test = rows[TEST:], rows[:TEST]
    mean = train.mean(0, dtype=np.float64)
    deviation = np.sqrt(((train - mean) ** 2).mean(dtype=np.float64))
    for name, part in (("train", train), ("test", test)):
        np.save(f"{name}.npy", ((part - mean) / deviation).astype(np.float32))
    print(json.dumps({"train": len(train), "test": len(test)}))


def geometric_median(rows):
    median = rows.mean(0)
    for _ in range(50):
        weight = 1 / (rows - median).norm(dim=1).clamp(min=1e-9)
        median = (rows * (weight / weight.sum())[:, None]).sum(0)
    return median


class Sparse(torch.nn.Module):
    def __init__(self, kind, features, latents, k, first):
        super().__init__()
        self.kind, self.k = kind, k
        directions = F.normalize(torch.randn(latents, features), dim=1)
        self.decoder = torch.nn.Parameter(directions)
        self.encoder = torch.nn.Parameter(directions.clone())
        self.bias = torch.nn.Parameter(torch.zeros(latents))
        self.centre = torch.nn.Parameter(geometric_median(first))
        self.idle, self.threshold, self.seen = torch.zeros(latents), 0.0, 0
        self.dead_after = 256 * -(-latents // k)
        self.prefixes = [latents // share for share in (16, 8, 4, 2, 1)] if kind == "matryoshka" else [latents]

    def before(self, x):
        return F.linear(x - self.centre, self.encoder, self.bias)

    def sparse(self, before):
        """The code of a training batch; other entries are 0."""
        if self.kind == "top-k":
            values, indices = before.topk(self.k, sorted=False)
            return torch.zeros_like(before).scatter(1, indices, F.relu(values))
        flat = F.relu(before).flatten()
        values, indices = flat.topk(self.k * len(before), sorted=False)
        self.smallest = values[values > 0].min().item()
        return torch.zeros_like(flat).scatter(0, indices, values).reshape(before.shape)

    def loss(self, x, step):
        before = self.before(x)
        code = self.sparse(before)
        v, start, total = self.centre, 0, 0
        for end in self.prefixes:
            v = v + code[:, start:end] @ self.decoder[start:end]
            total = total + (x - v).square().sum(1).mean() / len(self.prefixes)
            start = end
        dead = self.idle >= self.dead_after
        if dead.any():
            k = min(x.shape[1] // 2, int(dead.sum()))
            values, indices = before[:, dead].topk(k, sorted=False)
            rest = torch.zeros_like(before[:, dead]).scatter(1, indices, F.relu(values)) @ self.decoder[dead]
            total = total + (1 / 32) * ((x - v).detach() - rest).square().sum(1).mean()
        with torch.no_grad():
            active = (code > 0).any(0)
            self.idle = torch.where(active, 0.0, self.idle + len(x))
            self.seen += len(x)
            if self.kind != "top-k":
                decay = min(0.99, step / (10 + step))
                self.threshold = decay * self.threshold + (1 - decay) * self.smallest
        return total

    @torch.no_grad()
    def evaluate(self, rows):
        error, used, active = 0.0, torch.zeros(len(self.bias)), 0.0
        for x in rows.split(1024):
            before = self.before(x)
            code = self.sparse(before) if self.kind == "top-k" else before * (before > max(self.threshold, 0))
            error += (x - self.centre - code @ self.decoder).square().sum().item()
            used += (code > 0).sum(0)
        variance = (rows - rows.mean(0)).square().sum().item()
        dead = (used == 0) & (self.idle >= min(self.dead_after, self.seen))
        return {"fvu": error / variance, "dead": dead.float().mean().item(), "active": used.sum().item() / len(rows)}


def train(kind, latents, k, steps, batch, rate, seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rows, test = (torch.from_numpy(np.load(f"{name}.npy")) for name in ("train", "test"))
    model = Sparse(kind, rows.shape[1], latents, k, rows[:8192])
    optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
    warm, late = 0.02 * steps, 0.8 * steps
    order, at, began = torch.randperm(len(rows)), 0, time.time()
    for step in range(steps):
        if at + batch > len(rows):
            order, at = torch.randperm(len(rows)), 0
        x, at = rows[order[at : at + batch]], at + batch
        factor = min(1, (step + 1) / warm, (steps - step) / (steps - late))
        optimizer.param_groups[0]["lr"] = rate * factor
        optimizer.zero_grad(set_to_none=True)
        model.loss(x, step).backward()
        with torch.no_grad():
            along = (model.decoder.grad * model.decoder).sum(1, keepdim=True)
            model.decoder.grad -= along * model.decoder
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.decoder.copy_(F.normalize(model.decoder, dim=1))
    print(json.dumps({**model.evaluate(test), "seconds": time.time() - began}))


if sys.argv[1] == "prepare":
    prepare(sys.argv[2])
else:
    kind, latents, k, steps, batch, rate, seed = sys.argv[2:]
    train(kind, int(latents), int(k), int(steps), int(batch), float(rate), int(seed))

"""The workloads of `cargo xtask bench` in PyTorch: `peers.py WORKLOAD eager|compile`.

Each line on standard input is a number of seconds; the answer is one line of JSON with the samples of a step, the steps
done, and the median and processor seconds of a step. At the end of input it reports its peak memory.
"""

import itertools
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
DENSE = [784, 512, 256, 32, 256, 512, 784]
TABULAR = [20, 64, 32, 8, 32, 64, 20]


def network(widths):
    """ReLU between the layers, none at the code, sigmoid at the end."""
    layers, count = [], len(widths) - 1
    for index in range(count):
        layers.append(nn.Linear(widths[index], widths[index + 1]))
        if index + 1 == count:
            layers.append(nn.Sigmoid())
        elif index + 1 != count // 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def trainer(model, loss, *batches, decay=1e-2):
    following = itertools.cycle(batches)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=decay, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss(next(following))
        value.backward()
        optimizer.step()
        return value.item()

    return batches[0].shape[0], step


def dense(batch, compiled):
    model = network(DENSE)
    forward = compiled(lambda x: ((model(x) - x) ** 2).sum(1).mean())
    return trainer(model, forward, torch.rand(batch, DENSE[0]))


class Vae(nn.Module):
    """Convolutions with kernel 4, stride 2, padding 1, and the mirror; 16 latent numbers."""

    def __init__(self, extent, channels):
        super().__init__()
        pairs = list(zip(channels, channels[1:]))
        self.small = extent >> len(pairs)
        self.last = channels[-1]
        features = self.small**2 * self.last
        encoder = [layer for a, b in pairs for layer in (nn.Conv2d(a, b, 4, 2, 1), nn.ReLU())]
        decoder = [layer for a, b in reversed(pairs) for layer in (nn.ConvTranspose2d(b, a, 4, 2, 1), nn.ReLU())]
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder[:-1])
        self.mean, self.log_var = nn.Linear(features, 16), nn.Linear(features, 16)
        self.first = nn.Linear(16, features)

    def forward(self, x):
        h = self.encoder(x).flatten(1)
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        h = F.relu(self.first(z)).view(-1, self.last, self.small, self.small)
        if self.memory_format is not None:
            h = h.contiguous(memory_format=self.memory_format)
        logits = self.decoder(h)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
        kl = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
        return (reconstruction + kl).mean()


def vae(batch, extent, channels, compiled, channels_last):
    model, x = Vae(extent, channels), torch.rand(batch, channels[0], extent, extent)
    model.memory_format = None
    if channels_last:
        model.memory_format = torch.channels_last
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    return trainer(model, compiled(model), x)


class TopK(nn.Module):
    """384 -> 6,144, the 32 largest; the decoder sums only their columns."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(384, 6144)
        self.decoder = nn.EmbeddingBag(6144, 384, mode="sum")
        self.bias = nn.Parameter(torch.zeros(384))

    def forward(self, x):
        values, indices = self.encoder(x - self.bias).topk(32, sorted=False)
        y = self.decoder(indices, per_sample_weights=F.relu(values)) + self.bias
        return ((y - x) ** 2).sum(1).mean()


def activations(rows):
    """Sums of 32 of 6,144 directions, with variance one."""
    chosen, strengths = torch.randint(6144, (rows, 32)), torch.randn(rows, 32).abs() / 32**0.5
    return F.embedding_bag(chosen, torch.randn(6144, 384), per_sample_weights=strengths, mode="sum")


def sparse(compiled):
    model = TopK()
    return trainer(model, compiled(model), *activations(16 * 1024).split(1024), decay=0.0)


def inference(widths, compiled):
    model, x = network(widths), torch.rand(4096, widths[0])
    forward = compiled(model)

    def step():
        with torch.inference_mode():
            return forward(x)[0, 0].item()

    return 4096, step


def matmul():
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    return 2048, lambda: (a @ b.t())[0, 0].item()


def build(name, mode):
    compiled = torch.compile if mode.startswith("compile") else lambda f: f
    last = mode.endswith("channels-last")
    return {
        "dense-128": lambda: dense(128, compiled),
        "dense-512": lambda: dense(512, compiled),
        "conv-small-128": lambda: vae(128, 28, [1, 32, 64], compiled, last),
        "conv-small-512": lambda: vae(512, 28, [1, 32, 64], compiled, last),
        "conv-large-64": lambda: vae(64, 64, [3, 64, 128, 256], compiled, last),
        "sparse-1024": lambda: sparse(compiled),
        "infer-dense-4096": lambda: inference(DENSE, compiled),
        "infer-tabular-4096": lambda: inference(TABULAR, compiled),
        "matmul-2048": matmul,
    }[name]()


def main():
    samples, step = build(*sys.argv[1:])
    for line in sys.stdin:
        until, times, result = time.perf_counter() + float(line), [], 0.0
        used = time.process_time()
        while len(times) < 3 or time.perf_counter() < until:
            start = time.perf_counter()
            result = step()
            times.append(time.perf_counter() - start)
        processor = (time.process_time() - used) / len(times)
        times.sort()
        answer = {"samples": samples, "steps": len(times), "median": times[len(times) // 2], "best": times[0]}
        answer |= {"processor": processor, "result": result}
        print(json.dumps(answer), flush=True)
    print(json.dumps({"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main()

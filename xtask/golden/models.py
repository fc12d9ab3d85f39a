"""Golden numbers of the model variants: codes, reconstructions, losses and gradients by PyTorch, in float64.

Argument: a folder. Writes FOLDER/crates/narrows-models/tests/golden/VARIANT.CASE.json, with the inputs and the weights.
Tensors are laid out as in narrows-models: channels last, convolution weights [out, height, width, in], transposed ones
[in, height, width, out].
"""

import json
import math
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

SAMPLES = 3
ACTIVATIONS = {"silu": F.silu, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu}


def chacha8(key, stream, words):
    """The first words of ChaCha with 8 rounds, 64-bit counter and 64-bit stream."""
    out = []
    for counter in range((words + 15) // 16):
        split = lambda value: [value & 0xFFFFFFFF, value >> 32]
        start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
        start += split(counter) + split(stream)
        state = list(start)

        def quarter(a, b, c, d):
            for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[x] = (state[x] + state[y]) & 0xFFFFFFFF
                mixed = state[z] ^ state[x]
                state[z] = ((mixed << turn) | (mixed >> (32 - turn))) & 0xFFFFFFFF

        for _ in range(4):
            for i in range(4):
                quarter(i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        out += [(a + b) & 0xFFFFFFFF for a, b in zip(start, state)]
    return out[:words]


def named(key, label):
    """The child of a key: the first 32 bytes of its stream with the label's FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in label.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return struct.pack("<8I", *chacha8(key, value & ~(1 << 63), 8))


def normal(key, *shape):
    """Standard normal numbers by Box and Muller, as narrows-tensor draws them (up to 4096)."""
    count = math.prod(shape)
    unit = [(word >> 8) / (1 << 24) for word in chacha8(key, 1 << 63, count + count % 2)]
    values = []
    for first, second in zip(unit[::2], unit[1::2]):
        radius, angle = math.sqrt(-2 * math.log(1 - first)), 2 * math.pi * second
        values += [radius * math.cos(angle), radius * math.sin(angle)]
    return torch.tensor(values[:count], dtype=torch.float64).reshape(shape)


def uniform(key, *shape):
    """Uniform numbers in 0..1, as narrows-tensor draws them (up to 4096)."""
    values = [(word >> 8) / (1 << 24) for word in chacha8(key, 1 << 63, math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


KEY = bytes(32)


class Case:
    """One model: its tensors are drawn as they are first asked for."""

    def __init__(self, name, config, dims, likelihood="gaussian", seed=0):
        self.name, self.config, self.dims, self.likelihood = name, config, dims, likelihood
        self.options = next(iter(config.values()))
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors, self.trained = {}, []

    def draw(self, *shape):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def parameter(self, name, *shape):
        if name not in self.tensors:
            self.tensors[name] = (0.4 * self.draw(*shape)).requires_grad_()
            self.trained.append(name)
        return self.tensors[name]

    def buffer(self, name, *shape):
        if name not in self.tensors:
            # Positive, so that it serves as a mean and as a gain.
            self.tensors[name] = 0.5 + torch.rand(*shape, generator=self.generator, dtype=torch.float64)
        return self.tensors[name]

    def dense(self, name, x, outputs):
        weight = self.parameter(f"{name}.weight", outputs, x.shape[-1])
        return x @ weight.T + self.parameter(f"{name}.bias", outputs)

    def mlp(self, name, x, widths, outputs):
        activation = ACTIVATIONS[self.options.get("activation", "silu")]
        h = x.flatten(1)
        for index, width in enumerate(widths):
            h = activation(self.dense(f"{name}.{index}", h, width))
        return self.dense(f"{name}.{len(widths)}", h, outputs)

    def scaled(self, x):
        return (x - self.buffer("scaling.input_mean", *self.dims)) * self.buffer("scaling.input_gain", *self.dims)

    def unscaled(self, v):
        return v * self.buffer("scaling.output_gain", *self.dims) + self.buffer("scaling.output_mean", *self.dims)

    def rows(self):
        """Samples whose values suit the likelihood."""
        x = self.draw(SAMPLES, *self.dims)
        if self.likelihood == "bernoulli":
            return torch.sigmoid(x)
        if self.likelihood == "gaussian":
            return x
        parts = []
        for head in self.likelihood["mixed"]["heads"]:
            part = x[:, head["range"]["start"] : head["range"]["end"]]
            if head["family"] == "bernoulli":
                part = (part > 0).double()
            elif head["family"] == "categorical":
                part = F.one_hot(part.argmax(1), part.shape[1]).double()
            parts.append(part)
        return torch.cat(parts, 1)

    def read(self, output, x):
        """The expected sample and the loss of each sample."""
        if self.likelihood == "gaussian":
            return output, (output - x).square().flatten(1).sum(1)
        if self.likelihood == "bernoulli":
            loss = F.binary_cross_entropy_with_logits(output, x, reduction="none")
            return torch.sigmoid(output), loss.flatten(1).sum(1)
        row = self.likelihood["mixed"]
        weights = torch.tensor(row["weights"], dtype=torch.float64)
        means, losses = [], []
        for head in row["heads"]:
            part = slice(head["range"]["start"], head["range"]["end"])
            y, t = output[:, part], x[:, part]
            if head["family"] == "gaussian":
                means.append(y)
                losses.append((y - t) ** 2)
            elif head["family"] == "bernoulli":
                means.append(torch.sigmoid(y))
                losses.append(F.binary_cross_entropy_with_logits(y, t, reduction="none"))
            else:
                means.append(F.softmax(y, 1))
                losses.append(-t * F.log_softmax(y, 1))
        return torch.cat(means, 1), (torch.cat(losses, 1) * weights).sum(1)


def linear_ae(case, u):
    features, code = u[0].numel(), case.options["code"]
    z = case.dense("path.encode", u.flatten(1), code)
    if case.options.get("tied"):
        v = z @ case.tensors["path.encode.weight"] + case.parameter("path.decode.bias", features)
    else:
        v = case.dense("path.decode", z, features)
    return z, v.reshape(u.shape)


def with_path(case, u, encoder, decoder):
    z = encoder(u)
    if case.options["skip"]:
        z = z + case.dense("path.encode", u.flatten(1), case.options["code"])
    v = decoder(z).reshape(u.shape)
    if case.options["skip"]:
        v = v + case.dense("path.decode", z, u[0].numel()).reshape(u.shape)
    return z, v


def ae(case, u):
    widths, features = case.options["widths"], u[0].numel()
    return with_path(
        case,
        u,
        lambda u: case.mlp("encoder", u, widths, case.options["code"]),
        lambda z: case.mlp("decoder", z, widths[::-1], features),
    )


def conv_ae(case, u):
    activation, channels = ACTIVATIONS[case.options["activation"]], case.options["channels"]
    grid = list(case.dims) if len(case.dims) == 3 else [case.dims[0], 1, case.dims[1]]
    stages = [grid]
    for count in channels:
        stages.append([max(1, stages[-1][0] // 2), max(1, stages[-1][1] // 2), count])
    kernel = lambda stage: [4 if side > 1 else 1 for side in stage[:2]]
    stride = lambda stage: [2 if side > 1 else 1 for side in stage[:2]]
    padding = lambda stage: [1 if side > 1 else 0 for side in stage[:2]]
    extra = lambda stage: [side % 2 if side > 1 else 0 for side in stage[:2]]
    steps = list(zip(stages, stages[1:]))

    def encoder(u):
        h = u.reshape(-1, *grid).permute(0, 3, 1, 2)
        for index, (outer, inner) in enumerate(steps):
            weight = case.parameter(f"encoder.{index}.weight", inner[2], *kernel(outer), outer[2])
            bias = case.parameter(f"encoder.{index}.bias", inner[2])
            h = activation(F.conv2d(h, weight.permute(0, 3, 1, 2), bias, stride(outer), padding(outer)))
        return case.dense("encoder.head", h.permute(0, 2, 3, 1).flatten(1), case.options["code"])

    def decoder(z):
        height, width, count = stages[-1]
        h = activation(case.dense("decoder.head", z, height * width * count))
        h = h.reshape(-1, height, width, count).permute(0, 3, 1, 2)
        for index, (outer, inner) in enumerate(reversed(steps)):
            weight = case.parameter(f"decoder.{index}.weight", inner[2], *kernel(outer), outer[2])
            bias = case.parameter(f"decoder.{index}.bias", outer[2])
            h = F.conv_transpose2d(
                h, weight.permute(0, 3, 1, 2), bias, stride(outer), padding(outer), extra(outer)
            )
            h = h if index + 1 == len(steps) else activation(h)
        return h.permute(0, 2, 3, 1)

    return with_path(case, u, encoder, decoder)


def posterior(case, h):
    mean, raw = h.chunk(2, 1)
    log_var = 12 * torch.tanh(raw / 12)
    return mean, log_var


def divergence(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, 1)) for each latent."""
    posterior = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    return torch.distributions.kl_divergence(posterior, prior)


def nats(case, output, x):
    """-log p(x|z), real features with one learned variance in units of their scale."""
    if case.likelihood == "bernoulli":
        return F.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)
    scale = case.tensors["scaling.output_gain"].flatten()
    output, x = output.flatten(1), x.flatten(1)
    if case.likelihood == "gaussian":
        heads = [{"range": {"start": 0, "end": x.shape[1]}, "family": "gaussian"}]
    else:
        heads = case.likelihood["mixed"]["heads"]
    total = 0
    for head in heads:
        part = slice(head["range"]["start"], head["range"]["end"])
        y, t = output[:, part], x[:, part]
        if head["family"] == "gaussian":
            deviation = scale[part] * (0.5 * case.parameter("likelihood.log_var")).exp()
            total = total - torch.distributions.Normal(y, deviation).log_prob(t).sum(1)
        elif head["family"] == "bernoulli":
            total = total - torch.distributions.Bernoulli(logits=y).log_prob(t).sum(1)
        else:
            total = total - (t * F.log_softmax(y, 1)).sum(1)
    return total


def variational(pressure):
    """A forward pass under a pressure on the divergence: a function of the case and each latent's divergence."""

    def forward(case, u, x):
        widths, code = case.options["widths"], case.options["code"]
        h = case.mlp("encoder", u, widths, 2 * code)
        if case.options["skip"]:
            h = h + case.dense("path.encode", u.flatten(1), 2 * code)
        mean, log_var = posterior(case, h)

        def decode(z):
            v = case.mlp("decoder", z, widths[::-1], u[0].numel())
            if case.options["skip"]:
                v = v + case.dense("path.decode", z, u[0].numel())
            return case.unscaled(v.reshape(u.shape))

        noise = normal(named(KEY, "bottleneck"), *mean.shape)
        output = decode(mean + (0.5 * log_var).exp() * noise)
        loss = nats(case, output, x) + pressure(case, divergence(mean, log_var))
        return mean, case.read(decode(mean), x)[0], loss

    return forward


def vae(case, each):
    return each.clamp(min=case.options.get("free-bits", 0.0)).sum(1)


def beta_vae(case, each):
    if "capacity" in case.options:
        # At the first step the capacity is still 0.
        return case.options["beta"] * (each.sum(1) - 0.0).abs()
    return case.options["beta"] * each.sum(1)


def dae(case, u, x):
    (kind, options), key = next(iter(case.options["corruption"].items())), named(KEY, "corruption")
    clean, _ = ae(case, u)
    if kind == "gaussian":
        corrupted = u + options["level"] * normal(named(key, "normal"), *u.shape)
    else:
        corrupted = u * (uniform(named(key, "place"), *u.shape) >= options["share"])
    loss = case.read(case.unscaled(ae(case, corrupted)[1]), x)[1]
    return clean, case.read(case.unscaled(ae(case, u)[1]), x)[0], loss


MIXED = {
    "mixed": {
        "heads": [
            {"range": {"start": 0, "end": 2}, "family": "gaussian"},
            {"range": {"start": 2, "end": 3}, "family": "bernoulli"},
            {"range": {"start": 3, "end": 6}, "family": "categorical"},
        ],
        "weights": [1.0, 0.5, 4.0, 1.5, 1.5, 1.5],
    }
}

CASES = [
    (linear_ae, Case("untied", {"linear-ae": {"code": 2, "tied": False}}, [5])),
    (linear_ae, Case("tied", {"linear-ae": {"code": 2, "tied": True}}, [5])),
    (ae, Case("rows", {"ae": {"code": 2, "widths": [6, 4], "activation": "silu", "skip": True}}, [5])),
    (ae, Case("mixed", {"ae": {"code": 2, "widths": [5], "activation": "tanh", "skip": True}}, [6], MIXED)),
    (
        ae,
        Case("pixels", {"ae": {"code": 2, "widths": [5], "activation": "tanh", "skip": False}}, [2, 3, 1], "bernoulli"),
    ),
    (
        conv_ae,
        Case("odd", {"conv-ae": {"code": 2, "channels": [3, 2], "activation": "silu", "skip": True}}, [7, 6, 2]),
    ),
    (
        conv_ae,
        Case("windows", {"conv-ae": {"code": 2, "channels": [2, 3, 2], "activation": "relu", "skip": False}}, [5, 2]),
    ),
    (variational(vae), Case("rows", {"vae": {"code": 2, "widths": [5], "activation": "tanh", "skip": True}}, [4])),
    (
        variational(vae),
        Case("mixed", {"vae": {"code": 2, "widths": [5], "activation": "silu", "skip": False, "free-bits": 0.3}}, [6], MIXED),
    ),
    (variational(beta_vae), Case("weight", {"beta-vae": {"code": 2, "widths": [4], "skip": True, "beta": 4.0}}, [4])),
    (
        variational(beta_vae),
        Case("capacity", {"beta-vae": {"code": 2, "widths": [4], "skip": True, "beta": 3.0, "capacity": 9.0}}, [4]),
    ),
    (dae, Case("noise", {"dae": {"code": 2, "widths": [4], "skip": True, "corruption": {"gaussian": {"level": 0.7}}}}, [4])),
    (dae, Case("masking", {"dae": {"code": 2, "widths": [4], "skip": True, "corruption": {"masking": {"share": 0.4}}}}, [5])),
    (
        variational(vae),
        Case("pixels", {"vae": {"code": 2, "widths": [5], "activation": "tanh", "skip": False}}, [6], "bernoulli"),
    ),
]


def array(tensor):
    return {"shape": list(tensor.shape), "values": tensor.detach().flatten().tolist()}


def run(forward, case):
    x = case.rows()
    if forward in (linear_ae, ae, conv_ae):
        tolerance = 1e-9
        z, v = forward(case, case.scaled(x))
        reconstruction, loss = case.read(case.unscaled(v), x)
    else:
        # The random numbers are computed in single precision by narrows-tensor.
        tolerance = 1e-6
        z, reconstruction, loss = forward(case, case.scaled(x), x)
    gradients = torch.autograd.grad(loss.mean(), [case.tensors[name] for name in case.trained])
    return {
        "torch": torch.__version__.split("+")[0],
        "tolerance": tolerance,
        "config": case.config,
        "data": {"sample": case.dims, "likelihood": case.likelihood},
        "tensors": {name: array(tensor) for name, tensor in sorted(case.tensors.items())},
        "x": array(x),
        "z": array(z),
        "reconstruction": array(reconstruction),
        "loss": loss.tolist(),
        "gradients": {name: array(gradient) for name, gradient in sorted(zip(case.trained, gradients))},
    }


folder = pathlib.Path(sys.argv[1]) / "crates/narrows-models/tests/golden"
folder.mkdir(parents=True, exist_ok=True)
for forward, case in CASES:
    variant = next(iter(case.config))
    (folder / f"{variant}.{case.name}.json").write_text(json.dumps(run(forward, case)) + "\n")

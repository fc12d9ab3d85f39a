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


def fold(key, label):
    """The child of a key with a number."""
    return struct.pack("<8I", *chacha8(key, label & ~(1 << 63), 8))


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

    def __init__(
        self,
        name,
        config,
        dims,
        likelihood="gaussian",
        seed=0,
        group=None,
        training_rows=None,
        condition=None,
        reals=None,
        pixels=False,
    ):
        self.name, self.config, self.dims, self.likelihood, self.pixels = name, config, dims, likelihood, pixels
        self.group, self.training_rows = group, training_rows
        self.condition = None
        self.condition_width, self.reals = condition, reals
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

    def scales(self):
        """Dimensions of the fixed maps: one value for each feature, or for each channel where any size is taken."""
        return self.dims[-1:] if self.options.get("network") == "conv" else self.dims

    def scaled(self, x):
        return (x - self.buffer("scaling.input_mean", *self.scales())) * self.buffer("scaling.input_gain", *self.scales())

    def unscaled(self, v):
        gain = self.buffer("scaling.output_gain", *self.scales())
        y = v * gain + self.buffer("scaling.output_mean", *self.scales())
        if self.pixels:
            return (F.softplus(12 * y, threshold=1e9) - F.softplus(12 * y - 12, threshold=1e9)) / 12
        if self.options.get("likelihood") not in ("poisson", "negative-binomial"):
            return y
        # Means of counts are kept above 0.
        positive = gain / 4 * F.softplus(4 * y / gain) + 1e-6
        real = torch.zeros(self.dims[0], dtype=torch.bool)
        for head in self.heads():
            if head["family"] == "gaussian":
                real[head["range"]["start"] : head["range"]["end"]] = True
        return torch.where(real, positive, y)

    def heads(self):
        if self.likelihood == "gaussian":
            return [{"range": {"start": 0, "end": math.prod(self.dims)}, "family": "gaussian"}]
        # A Bernoulli likelihood reads real features as probabilities.
        family = lambda head: "bernoulli" if self.options.get("likelihood") == "bernoulli" else head["family"]
        return [
            {**head, "family": family(head) if head["family"] == "gaussian" else head["family"]}
            for head in self.likelihood["mixed"]["heads"]
        ]

    def rows(self):
        """Samples whose values suit the likelihood."""
        x = self.draw(SAMPLES, *self.dims)
        if self.likelihood == "bernoulli" or self.pixels:
            return torch.sigmoid(x)
        if self.likelihood == "gaussian":
            return self.numbers(x)
        parts = []
        for head in self.likelihood["mixed"]["heads"]:
            part = x[:, head["range"]["start"] : head["range"]["end"]]
            if head["family"] == "bernoulli":
                part = (part > 0).double()
            elif head["family"] == "categorical":
                part = F.one_hot(part.argmax(1), part.shape[1]).double()
            else:
                part = self.numbers(part)
            parts.append(part)
        return torch.cat(parts, 1)

    def numbers(self, x):
        """Real features as what they are known to be."""
        counts = {"counts": lambda: (2 * x.abs()).round(), "unit-interval": lambda: torch.sigmoid(x)}
        return counts.get(self.reals, lambda: x)()

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
        for head in self.heads():
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


def divergence(mean, log_var, prior=(0.0, 1.0)):
    """KL(N(mean, exp(log_var)) || N(*prior)) for each latent."""
    posterior = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    prior = torch.distributions.Normal(*(torch.zeros_like(mean) + of for of in prior))
    return torch.distributions.kl_divergence(posterior, prior)


def conditional_prior(case, code):
    """Mean and deviation of a code under the condition of each sample; 0 and 1 without one."""
    if case.condition is None:
        return 0.0, 1.0
    mean, slope = (case.parameter(f"prior.{name}", code, case.condition_width) for name in ("mean", "log_deviation"))
    return case.condition @ mean.T, (3 * torch.tanh(case.condition @ slope.T / 3)).exp()


def real_log_prob(case, z, part, mean, x):
    """log p of real features around their means."""
    kind, features = case.options.get("likelihood", "auto"), math.prod(case.dims)
    scale = case.tensors["scaling.output_gain"].flatten()[part]
    if kind == "poisson":
        return torch.distributions.Poisson(mean).log_prob(x)
    if kind == "negative-binomial":
        r = (8 * torch.tanh(case.parameter("likelihood.log_dispersion", features)[part] / 8)).exp()
        # PyTorch counts successes of probability m / (m + r) until r failures.
        return torch.distributions.NegativeBinomial(r, probs=mean / (mean + r)).log_prob(x)
    if kind == "gaussian-per-element":
        h = F.silu(case.dense("likelihood.log_var.0", z, case.options["widths"][-1]))
        log_var = 8 * torch.tanh(case.dense("likelihood.log_var.1", h, features)[:, part] / 8)
    elif "deviation" in case.options:
        log_var = torch.tensor(2 * math.log(case.options["deviation"]), dtype=torch.float64)
        log_var = 12 * torch.tanh(log_var / 12)
    else:
        log_var = 12 * torch.tanh(case.parameter("likelihood.log_var") / 12)
    deviation = scale * (0.5 * log_var).exp()
    if kind == "laplace":
        return torch.distributions.Laplace(mean, deviation / math.sqrt(2)).log_prob(x)
    return torch.distributions.Normal(mean, deviation).log_prob(x)


def nats(case, output, x):
    """-log p(x|z), as a rule real features with one learned variance in units of their scale."""
    if case.likelihood == "bernoulli":
        return F.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)
    output, x = output.flatten(1), x.flatten(1)
    total = 0
    for head in case.heads():
        part = slice(head["range"]["start"], head["range"]["end"])
        y, t = output[:, part], x[:, part]
        if head["family"] == "gaussian":
            total = total - real_log_prob(case, case.z, part, y, t).sum(1)
        elif head["family"] == "bernoulli":
            total = total + F.binary_cross_entropy_with_logits(y, t, reduction="none").sum(1)
        else:
            total = total - (t * F.log_softmax(y, 1)).sum(1)
    return total


def variational(objective, infer=lambda case, mean, log_var: mean):
    """A forward pass under an objective: a function of the case, the posterior, the decoder and what is seen."""

    def forward(case, u, x):
        widths, code = case.options["widths"], case.options["code"]
        if case.condition_width:
            case.condition = case.draw(len(u), case.condition_width)

        def beside(rows):
            """Rows, and behind them their conditions."""
            return rows.flatten(1) if case.condition is None else torch.cat([rows.flatten(1), case.condition], 1)

        def encode(u):
            u = beside(u)
            h = case.mlp("encoder", u, widths, 2 * code)
            if case.options["skip"]:
                h = h + case.dense("path.encode", u.flatten(1), 2 * code)
            return posterior(case, h)

        def decode(z):
            case.z = z = beside(z)
            v = case.mlp("decoder", z, widths[::-1], u[0].numel())
            if case.options["skip"]:
                v = v + case.dense("path.decode", z, u[0].numel())
            return case.unscaled(v.reshape(-1, *u.shape[1:]))

        def deviation(u):
            mean, log_var = encode(u)
            return mean, (0.5 * log_var).exp()

        case.encode, seen = deviation, x
        if case.options.get("binarise"):
            seen = (uniform(named(KEY, "binarise"), *x.shape) < x).double()
        case.prior = centre, spread = conditional_prior(case, code)
        mean = infer(case, *encode(u))
        loss = objective(case, *encode(case.scaled(seen)), decode, seen)
        return (mean - centre) / spread, case.read(decode(mean), x)[0], loss

    return forward


def elbo(pressure):
    """One code for each sample, under a pressure on the divergence."""

    def objective(case, mean, log_var, decode, x):
        noise = normal(named(KEY, "bottleneck"), *mean.shape)
        output = decode(mean + (0.5 * log_var).exp() * noise)
        return nats(case, output, x) + pressure(case, divergence(mean, log_var, case.prior))

    return objective


def importance_weighted(case, mean, log_var, decode, x):
    """-log 1/k sum p(x, z) / q(z|x) over k codes for each sample."""
    k = case.options["draws"]
    mean, log_var, x = (rows.repeat_interleave(k, 0) for rows in (mean, log_var, x))
    encoder = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    z = mean + encoder.scale * normal(named(KEY, "bottleneck"), *mean.shape)
    doubly = case.options.get("estimator") == "doubly-reparameterised"
    if doubly:
        # The score of q is dropped, and each code's gradient weighted a second time (Tucker et al. 2019, equation 8).
        encoder = torch.distributions.Normal(mean.detach(), encoder.scale.detach())
        z.register_hook(lambda gradient: normalised[:, None] * gradient)
    prior = torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z))
    log_weights = prior.log_prob(z).sum(1) - encoder.log_prob(z).sum(1) - nats(case, decode(z), x)
    log_weights = log_weights.reshape(-1, k)
    normalised = log_weights.detach().softmax(1).flatten()
    return math.log(k) - log_weights.logsumexp(1)


def vae(case, each):
    return each.clamp(min=case.options.get("free-bits", 0.0)).sum(1)


def beta_vae(case, each):
    if "capacity" in case.options:
        # At the first step the capacity is still 0.
        return case.options["beta"] * (each.sum(1) - 0.0).abs()
    return case.options["beta"] * each.sum(1)


def blank(case, u):
    """What is left of a value that is blanked: the mean; of a pixel black."""
    return case.scaled(torch.zeros_like(u)) if case.pixels else torch.zeros_like(u)


def count(draw, mean):
    """The quantile of a Poisson distribution."""
    k, below = 0, math.exp(-mean)
    while draw >= below:
        k += 1
        below += math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
    return k


def spans(case, u, draws, share):
    """Ones where values lie outside the span of their sample."""
    kept = torch.ones_like(u)
    for sample, (size, place, *across) in enumerate(draws.tolist()):
        axes = zip(case.dims[:-1], [(size, place), tuple(across)])
        inside = [slice(None)] * len(case.dims)
        for axis, (length, (size, place)) in enumerate(axes):
            longest = max(1.0, math.floor(share * length + 0.5))
            size = min(int(size * longest) + 1, length)
            start = int(place * (length - size + 1))
            inside[axis] = slice(start, start + size)
        kept[(sample, *inside)] = 0
    return kept


def by_column(case, u, key):
    """One number for each column of each sample, the same for all features of a category."""
    heads = case.likelihood["mixed"]["heads"]
    members = [head["range"]["end"] - head["range"]["start"] for head in heads]
    one = [head["family"] == "categorical" for head in heads]
    count_of = sum(1 if whole else width for width, whole in zip(members, one))
    numbers, parts, at = uniform(named(key, "place"), len(u), count_of), [], 0
    for width, whole in zip(members, one):
        parts.append(numbers[:, at : at + 1].expand(-1, width) if whole else numbers[:, at : at + width])
        at += 1 if whole else width
    return torch.cat(parts, 1)


def corrupt(case, corruption, u, x, key):
    (kind, options) = next(iter(corruption.items()))
    unit = case.buffer("scaling.input_gain", *case.scales()) if case.pixels else 1.0
    noise = lambda: unit * normal(named(key, "normal"), *u.shape)
    draws = lambda label, *shape: uniform(named(key, label), *shape)
    one_each = [len(u)] + [1] * (u.dim() - 1)
    if kind == "gaussian":
        return u + options["level"] * noise()
    if kind == "random-gaussian":
        return u + options["level"] * draws("level", *one_each) * noise()
    if kind == "masking":
        return torch.where(draws("place", *u.shape) >= options["share"], u, blank(case, u))
    if kind == "salt-and-pepper":
        coin = (draws("coin", *u.shape) >= 0.5).double()
        extreme = case.scaled(coin) if case.pixels else 4 * coin - 2
        return torch.where(draws("place", *u.shape) >= options["share"], u, extreme)
    if kind == "poisson":
        photons = options["photons"]
        pairs = zip(draws("count", *u.shape).flatten().tolist(), (photons * x).flatten().tolist())
        return case.scaled(torch.tensor([count(*pair) / photons for pair in pairs], dtype=torch.float64).reshape(u.shape))
    if kind == "columns":
        return torch.where(by_column(case, u, key) >= options["share"], u, blank(case, u))
    if kind == "noise-or-columns":
        hides = draws("coin", *one_each) >= 0.5
        hidden = (by_column(case, u, key) < draws("share", *one_each) * options["share"] * hides).double()
        noisy = u + options["level"] * draws("level", *one_each) * noise()
        return torch.cat([torch.where(hides, u, noisy) * (1 - hidden), hidden], 1)
    return torch.where(spans(case, u, draws("place", len(u), 4), options["share"]) > 0, u, blank(case, u))


def fully_convolutional(case, u):
    """Convolutions whose code is a grid."""
    activation, channels = ACTIVATIONS[case.options["activation"]], case.options["channels"]
    height, width, own = case.dims if len(case.dims) == 3 else (case.dims[0], 1, case.dims[1])
    step = 2 ** len(channels)
    tall, wide = (side if side == 1 else -(-side // step) * step for side in (height, width))
    # (from, to, halves) for each layer.
    before = max(channels[0] // 2, own)
    layers = [(own, before, False)]
    for count in channels:
        layers += [(before, count, True), (count, count, False)]
        before = count
    layers.append((before, case.options["code"], False))

    def run(part, h, layers, mirrored):
        for index, (inputs, outputs, halves) in enumerate(layers):
            kernel = [1 if side == 1 else 4 if halves else 3 for side in (height, width)]
            stride = [2 if halves and side > 1 else 1 for side in (height, width)]
            padding = [0 if side == 1 else 1 for side in (height, width)]
            transposed = mirrored and halves
            shape = (inputs, *kernel, outputs) if transposed else (outputs, *kernel, inputs)
            weight = case.parameter(f"{part}.{index}.weight", *shape).permute(0, 3, 1, 2)
            bias = case.parameter(f"{part}.{index}.bias", outputs)
            h = (F.conv_transpose2d if transposed else F.conv2d)(h, weight, bias, stride, padding)
            h = h if index + 1 == len(layers) else activation(h)
        return h

    h = u.reshape(-1, height, width, own).permute(0, 3, 1, 2)
    h = F.pad(h, (0, wide - width, 0, tall - height), mode="replicate")
    grid = run("encoder", h, layers, False)
    v = run("decoder", grid, [(to, source, halves) for source, to, halves in reversed(layers)], True)
    return grid.permute(0, 2, 3, 1).flatten(1), v[:, :, :height, :width].permute(0, 2, 3, 1).reshape(u.shape)


def told(case, u):
    """Perceptrons whose encoder sees a flag for each feature: 1 for what is hidden from it."""
    widths, (features,) = case.options["widths"], case.dims
    flagged = u if u.shape[1] == 2 * features else torch.cat([u, torch.zeros_like(u)], 1)
    z = case.mlp("encoder", flagged, widths, case.options["code"])
    return z, case.mlp("decoder", z, widths[::-1], features)


def dae(case, u, x):
    networks = fully_convolutional if case.options.get("network") == "conv" else ae
    networks = told if "noise-or-columns" in case.options["corruption"] else networks
    clean, v = networks(case, u)
    reconstruction = case.read(case.unscaled(v), x)[0]
    corrupted = corrupt(case, case.options["corruption"], u, x, named(KEY, "corruption"))
    return clean, reconstruction, case.read(case.unscaled(networks(case, corrupted)[1]), x)[1]


def density(z, mean, log_var):
    return torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(z)


def standard(z):
    return torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z)


def vamp_vae(case, mean, log_var, decode, x):
    z = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)
    inputs = case.parameter("prior.inputs", case.options["inputs"], *case.dims)
    components = torch.distributions.Independent(torch.distributions.Normal(*case.encode(inputs)), 1)
    weights = torch.distributions.Categorical(logits=torch.zeros(len(inputs), dtype=torch.float64))
    prior = torch.distributions.MixtureSameFamily(weights, components)
    return nats(case, decode(z), x) + density(z, mean, log_var).sum(1) - prior.log_prob(z)


def made(case, name, z, context=None):
    """A masked perceptron: two outputs for each latent, from those before it."""
    code, degrees, h = z.shape[1], torch.arange(1, z.shape[1] + 1), z
    widths = case.options["flow-widths"]
    for index in range(len(widths) + 1):
        last = index == len(widths)
        own = torch.arange(1, code + 1).repeat(2) if last else torch.arange(widths[index]) % code
        mask = degrees < own[:, None] if last else degrees <= own[:, None]
        before = h @ (case.parameter(f"{name}.{index}.weight", len(own), h.shape[1]) * mask).T
        before = before + case.parameter(f"{name}.{index}.bias", len(own))
        if index == 0 and context is not None:
            before = before + context @ case.parameter(f"{name}.context.weight", len(own), context.shape[1]).T
        h, degrees = before if last else F.silu(before), own
    return h.chunk(2, 1)


def log_determinants(f, rows):
    """log |det J| of a map of single rows, by automatic differentiation."""
    jacobian = lambda n: torch.autograd.functional.jacobian(lambda row: f(row[None], n)[0], rows[n], create_graph=True)
    return torch.stack([torch.linalg.slogdet(jacobian(n))[1] for n in range(len(rows))])


def inverse_flow(case, z, context):
    for step in range(case.options["flow"]):
        z = z.flip(1) if step else z
        shift, gate = made(case, f"flow.{step}", z, context)
        gate = torch.sigmoid(gate + 1.5)
        z = gate * z + (1 - gate) * shift
    return z


def iaf_infer(case, mean, log_var):
    return inverse_flow(case, mean, torch.cat([mean, log_var], 1))


def iaf_vae(case, mean, log_var, decode, x):
    context = torch.cat([mean, log_var], 1)
    start = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)
    z = inverse_flow(case, start, context)
    log_det = log_determinants(lambda row, n: inverse_flow(case, row, context[n : n + 1]), start)
    log_q = density(start, mean, log_var).sum(1) - log_det
    return nats(case, decode(z), x) + log_q - standard(z).sum(1)


def maf_vae(case, mean, log_var, decode, x):
    z = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)

    def to_normal(z):
        for step in range(case.options["flow"]):
            z = z.flip(1) if step else z
            shift, log_scale = made(case, f"prior.{step}", z)
            z = (z - shift) * (-5 * torch.tanh(log_scale / 5)).exp()
        return z

    log_p = standard(to_normal(z)).sum(1) + log_determinants(lambda row, n: to_normal(row), z)
    return nats(case, decode(z), x) + density(z, mean, log_var).sum(1) - log_p


def ladder_levels(case, mean, log_var):
    """q(w|x), and as functions of w p(z|w) and q(z|x, w)."""
    top, code, widths = case.options["top"], case.options["code"], case.options["top-widths"]
    upper = posterior(case, case.mlp("ladder.up", torch.cat([mean, log_var], 1), widths, 2 * top))
    lower = lambda w: posterior(case, case.mlp("ladder.down", w, widths[::-1], 2 * code))

    def united(w):
        prior_mean, prior_log_var = lower(w)
        precision = 1 / log_var.exp() + 1 / prior_log_var.exp()
        return (mean / log_var.exp() + prior_mean / prior_log_var.exp()) / precision, -precision.log()

    return upper, lower, united


def ladder_infer(case, mean, log_var):
    upper, _, united = ladder_levels(case, mean, log_var)
    return united(upper[0])[0]


def ladder_vae(case, mean, log_var, decode, x):
    key = named(KEY, "bottleneck")
    upper, lower, united = ladder_levels(case, mean, log_var)
    distribution = lambda stats: torch.distributions.Normal(stats[0], (0.5 * stats[1]).exp())
    w = upper[0] + (0.5 * upper[1]).exp() * normal(named(key, "upper"), *upper[0].shape)
    own = united(w)
    z = own[0] + (0.5 * own[1]).exp() * normal(named(key, "lower"), *mean.shape)
    between = torch.distributions.kl_divergence(distribution(own), distribution(lower(w))).sum(1)
    return nats(case, decode(z), x) + divergence(*upper).sum(1) + between


def adversary(case, x, activation=F.silu):
    """The features that a discriminator judges by, and its logit."""
    h, widths = x.flatten(1), case.options["discriminator"]
    for index, width in enumerate(widths):
        h = activation(case.dense(f"discriminator.{index}", h, width))
    return h, case.dense("discriminator.logit", h, 1).squeeze(1)


def cross_entropy(logit, label):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label), reduction="none")


def aae(case, u, x):
    z, v = ae(case, u)
    reconstruction, loss = case.read(case.unscaled(v), x)
    if case.group == "discriminator":
        true = adversary(case, normal(named(KEY, "prior"), *z.shape))[1]
        return z, reconstruction, 0.5 * (cross_entropy(true, 1.0) + cross_entropy(adversary(case, z.detach())[1], 0.0))
    return z, reconstruction, loss + case.options["adversary"] * unit(case) * cross_entropy(adversary(case, z)[1], 1.0)


def vae_gan(case, mean, log_var, decode, x):
    veiled = lambda x, name: x + case.options["noise"] * normal(named(KEY, name), *x.shape)
    show = lambda z, name: veiled(case.scaled(case.read(decode(z), x)[0]), name)
    z = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)
    true, rebuilt = veiled(case.scaled(x), "true"), show(z, "rebuilt")
    drawn = show(normal(named(KEY, "prior"), *z.shape), "drawn")
    judge = lambda x: adversary(case, x, torch.tanh)
    if case.group == "discriminator":
        # Creates all parameters.
        nats(case, decode(z), x)
        false = cross_entropy(judge(rebuilt.detach())[1], 0.0) + cross_entropy(judge(drawn.detach())[1], 0.0)
        return cross_entropy(judge(true)[1], 1.0) + 0.5 * false
    features, verdict = judge(rebuilt)
    apart = 0.5 * F.mse_loss(features, judge(true)[0].detach(), reduction="none").mean(1)
    share = case.options["bound"] / x[0].numel()
    loss = share * nats(case, decode(z), x) + case.options["similarity"] * apart
    if case.group == "encoder":
        return loss + share * divergence(mean, log_var).sum(1)
    return loss + case.options["adversary"] * (cross_entropy(verdict, 1.0) + cross_entropy(judge(drawn)[1], 1.0))


def beta_tc_vae(case, mean, log_var, decode, x):
    z = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)
    # As the authors' implementation estimates it: minibatch-weighted sampling over N training rows.
    pairs = density(z[:, None], mean[None], log_var[None])
    count = math.log(case.training_rows * len(z))
    joint = pairs.sum(2).logsumexp(1) - count
    marginal = (pairs.logsumexp(1) - count).sum(1)
    options = case.options
    information = density(z, mean, log_var).sum(1) - joint
    return (
        nats(case, decode(z), x)
        + options["alpha"] * information
        + options["beta"] * (joint - marginal)
        + options["gamma"] * (marginal - standard(z).sum(1))
    )


def shuffled(z, key):
    """Each column in the order of random numbers of its own."""
    draws = uniform(key, *z.T.shape)
    return torch.stack([column[order] for column, order in zip(z.T, draws.argsort(dim=1, stable=True))], 1)


def factor_vae(case, mean, log_var, decode, x):
    z = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)

    def logit(z):
        h, widths = z, case.options["discriminator"]
        for index, width in enumerate(widths):
            h = F.silu(case.dense(f"discriminator.{index}", h, width))
        return case.dense(f"discriminator.{len(widths)}", h, 1).squeeze(1)

    if case.group == "discriminator":
        z = z.detach()
        true, false = logit(z), logit(shuffled(z, named(KEY, "shuffle")))
        loss = lambda logit, label: F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label), reduction="none")
        nats(case, decode(z), x)
        return 0.5 * (loss(true, 1.0) + loss(false, 0.0))
    return nats(case, decode(z), x) + divergence(mean, log_var).sum(1) + case.options["gamma"] * logit(z)


def discrepancy(z, prior, kernel):
    """The unbiased maximum mean discrepancy, as what each code adds to it."""
    n = len(z)
    within = lambda a: (kernel(a, a) * (1 - torch.eye(n))).sum(1) / (n - 1)
    return within(z) + within(prior) - 2 / n * kernel(z, prior).sum(1)


def apart(a, b):
    return (a[:, None] - b[None]).square().sum(2)


def gaussian_kernel(a, b):
    return (-apart(a, b) / (2 * a.shape[1])).exp()


def multiquadratic_kernel(a, b):
    return sum(c / (c + apart(a, b)) for c in (2 * a.shape[1] * s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10)))


def info_vae(case, mean, log_var, decode, x):
    z = mean + (0.5 * log_var).exp() * normal(named(KEY, "bottleneck"), *mean.shape)
    alpha, weight = case.options["alpha"], case.options["lambda"]
    mmd = discrepancy(z, normal(named(KEY, "prior"), *z.shape), gaussian_kernel)
    return nats(case, decode(z), x) + (1 - alpha) * divergence(mean, log_var).sum(1) + (alpha + weight - 1) * mmd


def wae_mmd(case, u, x):
    z, v = ae(case, u)
    reconstruction, loss = case.read(case.unscaled(v), x)
    mmd = discrepancy(z, normal(named(KEY, "prior"), *z.shape), multiquadratic_kernel)
    return z, reconstruction, loss + case.options["lambda"] * mmd


def codebooks(case, u, x):
    """Vector quantisation, residual where there are several codebooks; gradients pass straight through."""
    options = case.options
    widths, code, width = options["widths"], options["code"], options["vector"]
    h = case.mlp("encoder", u, widths, code)
    if options["skip"]:
        h = h + case.dense("path.encode", u.flatten(1), code)
    parts = h.reshape(-1, width)
    total, commitment = torch.zeros_like(parts), 0
    for depth in range(options.get("depth", 1)):
        book = case.buffer(f"codebook.{depth}.entries", options["codebook"], width)
        case.buffer(f"codebook.{depth}.counts", options["codebook"])
        case.buffer(f"codebook.{depth}.sums", options["codebook"], width)
        left = (parts - total).detach()
        total = total + book[torch.cdist(left, book).argmin(1)]
        commitment = commitment + (parts - total).square().sum(1)
    z = (parts + (total - parts).detach()).reshape(h.shape)
    v = case.mlp("decoder", z, widths[::-1], u[0].numel())
    if options["skip"]:
        v = v + case.dense("path.decode", z, u[0].numel())
    reconstruction, loss = case.read(case.unscaled(v.reshape(u.shape)), x)
    return z, reconstruction, loss + options["commitment"] * commitment.reshape(len(u), -1).sum(1)


def fsq(case, u, x):
    options = case.options
    levels = torch.tensor([options["levels"][at % len(options["levels"])] for at in range(options["code"])]).double()
    h = case.mlp("encoder", u, options["widths"], options["code"])
    reach, offset = (levels - 1) / 2 * (1 - 1e-3), 0.5 * (levels % 2 == 0)
    bounded = reach * torch.tanh(h + torch.atanh(offset / reach)) - offset
    z = (bounded + (bounded.round() - bounded).detach()) / (levels // 2)
    v = case.mlp("decoder", z, options["widths"][::-1], u[0].numel())
    reconstruction, loss = case.read(case.unscaled(v.reshape(u.shape)), x)
    return z, reconstruction, loss


def dictionary(case, u):
    """Samples relative to the centre, and the four tensors of a sparse autoencoder."""
    latents, features = case.options["code"], u[0].numel()
    directions = case.parameter("decoder.weight", latents, features)
    centre = case.parameter("decoder.bias", features)
    encoder, bias = case.parameter("encoder.weight", latents, features), case.parameter("encoder.bias", latents)
    for name, size in (("idle", latents), ("seen", 1), ("active", 1)):
        case.buffer(f"activity.{name}", size)
    return u.flatten(1) - centre, encoder, bias, directions, centre


def unit(case):
    """What a squared error of 1 between scaled samples counts in the loss."""
    return case.tensors["scaling.input_gain"].flatten()[0] ** -2


def sparse(rule):
    """A forward pass under a rule: from the case and the values before it to the code in use and in training."""

    def forward(case, u, x):
        centred, encoder, bias, directions, centre = dictionary(case, u)
        before = centred @ encoder.T + bias
        use, train = rule(case, before)
        latents, features = case.options["code"], u[0].numel()
        ends = [*case.options.get("prefixes", []), latents]
        losses = [case.read(case.unscaled((train[:, :end] @ directions[:end] + centre).reshape(u.shape)), x)[1] for end in ends]
        loss = sum(losses) / len(losses)
        mean = case.read(case.unscaled((train @ directions + centre).reshape(u.shape)), x)[0]
        error = ((x - mean) * case.tensors["scaling.input_gain"]).flatten(1).detach()
        dead = case.tensors["activity.idle"] >= case.options["dead-after"]
        if case.options.get("aux-weight", 1 / 32) and dead.any():
            k = min(case.options.get("aux-k", features // 2), int(dead.sum()))
            values, indices = before[:, dead].topk(k)
            rest = torch.zeros_like(before[:, dead]).scatter(1, indices, F.relu(values)) @ directions[dead]
            loss = loss + case.options.get("aux-weight", 1 / 32) * unit(case) * (error - rest).square().sum(1)
        reconstruction = case.read(case.unscaled((use @ directions + centre).reshape(u.shape)), x)[0]
        return use, reconstruction, loss

    forward.exact = True
    return forward


def top_k(case, before):
    values, indices = before.topk(case.options["k"])
    code = torch.zeros_like(before).scatter(1, indices, F.relu(values))
    return code, code


def batch_top_k(case, before):
    threshold = case.buffer("threshold", 1)
    flat = F.relu(before).flatten()
    values, indices = flat.topk(case.options["k"] * len(before))
    return before * (before > threshold), torch.zeros_like(flat).scatter(0, indices, values).reshape(before.shape)


def l1(case, u):
    """Code and terms of a rule that pays for activity."""
    centred, encoder, bias, _, _ = dictionary(case, u)
    code = F.relu(centred @ encoder.T + bias)
    return code, case.options["sparsity"] * math.sqrt(u[0].numel()) * code.sum(1) * unit(case)


def jump_relu(case, u):
    centred, encoder, bias, _, _ = dictionary(case, u)
    before, root = centred @ encoder.T + bias, math.sqrt(u[0].numel())
    threshold, band = case.parameter("log_threshold", case.options["code"]).exp(), case.options["bandwidth"] * root

    class Jump(torch.autograd.Function):
        """`pi H(pi - theta)` and `H(pi - theta)` with straight-through gradients."""

        @staticmethod
        def forward(context, before, threshold):
            context.save_for_backward(before, threshold)
            above = (before > threshold).double()
            return before * above, above

        @staticmethod
        def backward(context, by_value, by_step):
            before, threshold = context.saved_tensors
            near = ((before - threshold).abs() < band / 2) / band
            return by_value * (before > threshold), -((threshold * by_value + by_step) * near).sum(0)

    code, above = Jump.apply(before, threshold)
    return code, case.options["sparsity"] * u[0].numel() * above.sum(1) * unit(case)


def gated(case, u):
    centred, encoder, bias, directions, centre = dictionary(case, u)
    latents = case.options["code"]
    e = centred @ encoder.T
    gates = e + bias
    magnitudes = e * case.parameter("magnitude.scale", latents).exp() + case.parameter("magnitude.bias", latents)
    code = (gates > 0) * F.relu(magnitudes)
    v = F.relu(gates) @ directions.detach() + centre.detach()
    error = case.read(case.unscaled(v.reshape(u.shape)), case.x)[1]
    return code, case.options["sparsity"] * math.sqrt(u[0].numel()) * F.relu(gates).sum(1) * unit(case) + error


def paid(rule):
    """A forward pass under a rule that gives the code and its terms of the loss."""

    def forward(case, u, x):
        case.x = x
        code, terms = rule(case, u)
        v = code @ case.tensors["decoder.weight"] + case.tensors["decoder.bias"]
        reconstruction, loss = case.read(case.unscaled(v.reshape(u.shape)), x)
        return code, reconstruction, loss + terms

    forward.exact = True
    return forward


def kl_sae(case, u, x):
    z = torch.sigmoid(case.dense("encoder.0", u.flatten(1), case.options["code"]))
    v = case.dense("decoder.0", z, u[0].numel()).reshape(u.shape)
    reconstruction, loss = case.read(case.unscaled(v), x)
    target = torch.full_like(z[0], case.options["target"])
    units = lambda p: torch.distributions.Bernoulli(p)
    divergence = torch.distributions.kl_divergence(units(target), units(z.mean(0))).sum()
    return z, reconstruction, loss + case.options["sparsity"] * unit(case) * divergence


kl_sae.exact = True


def directional(f, x):
    """`|J v|^2` along one random direction, by central differences as narrows-models takes them."""
    v = 1e-2 * normal(fold(named(KEY, "jacobian"), 0), *x.shape)
    return ((f(x + v) - f(x - v)) / 2e-2).flatten(1).square().sum(1)


def contractive(case, u, x):
    widths, code, features = case.options.get("widths", []), case.options["code"], u[0].numel()
    response = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}[case.options["response"]]

    def encode(u):
        h = u.flatten(1)
        for index, width in enumerate([*widths, code]):
            h = response(case.dense(f"encoder.{index}", h, width))
        return h

    u = u.detach().requires_grad_()
    z = encode(u)
    if widths:
        norm = directional(encode, u)
    else:
        rows = [torch.autograd.grad(z[:, unit].sum(), u, create_graph=True)[0] for unit in range(code)]
        norm = sum(row.flatten(1).square().sum(1) for row in rows)
    v, count = z, len(widths) + 1
    for index, width in enumerate([*widths[::-1], features]):
        weight = case.tensors[f"encoder.{count - 1 - index}.weight"]
        v = v @ weight + case.parameter(f"decoder.{index}.bias", width)
        v = v if index == count - 1 else response(v)
    reconstruction, loss = case.read(case.unscaled(v.reshape(u.shape)), x)
    return z, reconstruction, loss + case.options["contraction"] * unit(case) * norm


def rae(case, u, x):
    widths, code, features = case.options["widths"], case.options["code"], u[0].numel()
    z = case.mlp("encoder", u, widths, code) + case.dense("path.encode", u.flatten(1), code)
    decode = lambda z: case.mlp("decoder", z, widths[::-1], features) + case.dense("path.decode", z, features)
    reconstruction, loss = case.read(case.unscaled(decode(z).reshape(u.shape)), x)
    (kind, options), weights = next(iter(case.options["smoothness"].items())), []
    if kind == "gradient":
        smooth = directional(decode, z)
    else:
        names = [name for name in case.trained if "decode" in name and name.endswith("weight")]
        smooth = sum(case.tensors[name].square().sum() for name in names)
    extra = case.options["code-weight"] * 0.5 * z.square().sum(1) + options["weight"] * smooth
    return z, reconstruction, loss + unit(case) * extra


def svdd(case, u, x):
    widths, code, features = case.options["widths"], case.options["code"], u[0].numel()
    z = u.flatten(1)
    for index, width in enumerate([*widths, code]):
        z = z @ case.parameter(f"encoder.{index}.weight", width, z.shape[1]).T
        z = z if index == len(widths) else ACTIVATIONS[case.options["activation"]](z)
    centre, radius = case.buffer("sphere.centre", code), case.buffer("sphere.radius", 1)
    output = case.mlp("decoder", z.detach(), widths[::-1], features).reshape(u.shape)
    reconstruction, error = case.read(case.unscaled(output), x)
    if case.options["pretraining"]:
        # The only step of the run: the centre is taken from an encoder that stands still.
        return z, reconstruction, error
    distance = (z - centre).square().sum(1)
    if "nu" in case.options:
        distance = radius**2 + F.relu(distance - radius**2) / case.options["nu"]
    return z, reconstruction, unit(case) * distance + error - error.detach()


svdd.exact = True


def stacked(case, u, x):
    widths, code, features = case.options["widths"], case.options["code"], u[0].numel()
    z = case.mlp("encoder", u, widths, code)
    through = lambda z: case.read(case.unscaled(case.mlp("decoder", z, widths[::-1], features).reshape(u.shape)), x)
    reconstruction, loss = through(z)
    if "corruption" in case.options:
        u = corrupt(case, case.options["corruption"], u, x, named(KEY, "corruption"))
        loss = through(case.mlp("encoder", u, widths, code))[1]
    if case.options["pretraining"]:
        # The first step trains the first layer and its mirror image.
        h = ACTIVATIONS[case.options["activation"]](case.dense("encoder.0", u.flatten(1), widths[0]))
        v = case.dense(f"decoder.{len(widths)}", h, features)
        loss = case.read(case.unscaled(v.reshape(u.shape)), x)[1]
    return z, reconstruction, loss


stacked.exact = lambda case: "corruption" not in case.options


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
    (variational(elbo(vae)), Case("rows", {"vae": {"code": 2, "widths": [5], "activation": "tanh", "skip": True}}, [4])),
    (
        variational(elbo(vae)),
        Case("mixed", {"vae": {"code": 2, "widths": [5], "activation": "silu", "skip": False, "free-bits": 0.3}}, [6], MIXED),
    ),
    (
        variational(elbo(vae)),
        Case("rows", {"conditional-vae": {"code": 2, "widths": [5], "activation": "tanh", "skip": True}}, [4], condition=3),
    ),
    (
        variational(elbo(vae)),
        Case("mixed", {"conditional-vae": {"code": 2, "widths": [4], "skip": False, "free-bits": 0.2}}, [6], MIXED, condition=2),
    ),
    *(
        (
            variational(elbo(vae)),
            Case(
                likelihood,
                {"vae": {"code": 2, "widths": [5], "activation": "tanh", "skip": skip, "likelihood": likelihood, **more}},
                [6],
                MIXED,
                reals=reals,
            ),
        )
        for likelihood, skip, reals, more in (
            ("laplace", False, None, {}),
            ("gaussian", True, None, {"deviation": 0.3}),
            ("gaussian-per-element", True, None, {}),
            ("poisson", True, "counts", {}),
            ("negative-binomial", False, "counts", {}),
        )
    ),
    (
        variational(elbo(vae)),
        Case(
            "probabilities",
            {"vae": {"code": 2, "widths": [5], "skip": False, "likelihood": "bernoulli"}},
            [6],
            MIXED,
            reals="unit-interval",
        ),
    ),
    (variational(elbo(beta_vae)), Case("weight", {"beta-vae": {"code": 2, "widths": [4], "skip": True, "beta": 4.0}}, [4])),
    (
        variational(elbo(beta_vae)),
        Case("capacity", {"beta-vae": {"code": 2, "widths": [4], "skip": True, "beta": 3.0, "capacity": 9.0}}, [4]),
    ),
    (dae, Case("noise", {"dae": {"code": 2, "widths": [4], "skip": True, "corruption": {"gaussian": {"level": 0.7}}}}, [4])),
    (dae, Case("masking", {"dae": {"code": 2, "widths": [4], "skip": True, "corruption": {"masking": {"share": 0.4}}}}, [5])),
    *(
        (dae, Case(name, {"dae": {"code": 2, "widths": [4], "skip": True, "corruption": corruption}}, dims, **further))
        for name, corruption, dims, further in [
            ("levels", {"random-gaussian": {"level": 0.9}}, [5], {}),
            ("specks", {"salt-and-pepper": {"share": 0.5}}, [5], {}),
            ("columns", {"columns": {"share": 0.5}}, [6], {"likelihood": MIXED}),
            ("told", {"noise-or-columns": {"level": 0.9, "share": 0.8}}, [6], {"likelihood": MIXED}),
            ("span", {"span": {"share": 0.6}}, [5, 2], {}),
            ("pixel-noise", {"gaussian": {"level": 0.3}}, [2, 3, 1], {"pixels": True}),
            ("pixel-specks", {"salt-and-pepper": {"share": 0.4}}, [2, 3, 1], {"pixels": True}),
            ("pixel-mask", {"masking": {"share": 0.4}}, [2, 3, 1], {"pixels": True}),
            ("photons", {"poisson": {"photons": 6.0}}, [2, 3, 1], {"pixels": True}),
            ("rectangle", {"span": {"share": 0.7}}, [3, 4, 1], {"pixels": True}),
        ]
    ),
    *(
        (dae, Case(name, {"dae": {"code": 2, "network": "conv", "channels": [2, 3], "activation": "silu", "corruption": corruption}}, dims, **further))
        for name, corruption, dims, further in [
            ("conv", {"gaussian": {"level": 0.3}}, [5, 6, 2], {"pixels": True}),
            ("conv-windows", {"masking": {"share": 0.3}}, [7, 2], {}),
        ]
    ),
    (sparse(top_k), Case("rows", {"top-k": {"code": 9, "k": 2, "dead-after": 1}}, [4])),
    (sparse(top_k), Case("pixels", {"top-k": {"code": 7, "k": 3, "dead-after": 1, "aux-k": 1}}, [2, 2, 1], "bernoulli")),
    (sparse(top_k), Case("alive", {"top-k": {"code": 7, "k": 3, "dead-after": 2}}, [6], MIXED)),
    (sparse(batch_top_k), Case("rows", {"batch-top-k": {"code": 9, "k": 2, "dead-after": 1}}, [4])),
    (
        sparse(batch_top_k),
        Case("matryoshka", {"matryoshka": {"code": 9, "k": 2, "prefixes": [2, 5], "dead-after": 1}}, [4]),
    ),
    (paid(l1), Case("rows", {"l1-sae": {"code": 7, "sparsity": 0.3}}, [4])),
    (paid(jump_relu), Case("rows", {"jump-relu": {"code": 7, "sparsity": 0.02, "bandwidth": 0.5}}, [4])),
    (paid(gated), Case("rows", {"gated": {"code": 7, "sparsity": 0.3}}, [4])),
    (paid(gated), Case("mixed", {"gated": {"code": 8, "sparsity": 0.1}}, [6], MIXED)),
    (kl_sae, Case("rows", {"kl-sae": {"code": 6, "target": 0.1, "sparsity": 0.7}}, [4])),
    (contractive, Case("layer", {"contractive": {"code": 3, "response": "sigmoid", "contraction": 0.4}}, [5])),
    (contractive, Case("tanh", {"contractive": {"code": 3, "response": "tanh", "contraction": 0.4}}, [2, 2, 1], "bernoulli")),
    (
        contractive,
        Case("deep", {"contractive": {"code": 3, "widths": [6, 5], "response": "sigmoid", "contraction": 0.4}}, [5]),
    ),
    (
        rae,
        Case("l2", {"rae": {"code": 2, "widths": [5], "code-weight": 0.2, "smoothness": {"l2": {"weight": 0.1}}}}, [4]),
    ),
    (
        rae,
        Case("gradient", {"rae": {"code": 2, "widths": [5], "code-weight": 0.2, "smoothness": {"gradient": {"weight": 0.1}}}}, [4]),
    ),
    (stacked, Case("first", {"stacked": {"code": 2, "widths": [5, 3], "activation": "tanh", "pretraining": 0.5}}, [4])),
    (stacked, Case("all", {"stacked": {"code": 2, "widths": [5, 3], "activation": "tanh", "pretraining": 0.0}}, [4])),
    *(
        (stacked, Case(name, {"stacked": {"code": 2, "widths": [5, 3], "activation": "tanh", "pretraining": share, "corruption": {"masking": {"share": 0.4}}}}, [4]))
        for name, share in [("denoising-first", 0.5), ("denoising-all", 0.0)]
    ),
    (
        variational(elbo(vae)),
        Case("pixels", {"vae": {"code": 2, "widths": [5], "activation": "tanh", "skip": False}}, [6], "bernoulli"),
    ),
    (
        variational(elbo(vae)),
        Case("binarised", {"vae": {"code": 2, "widths": [5], "skip": True, "binarise": True}}, [6], "bernoulli"),
    ),
    (variational(importance_weighted), Case("rows", {"iwae": {"code": 2, "widths": [5], "skip": True, "draws": 3}}, [4])),
    (
        variational(importance_weighted),
        Case(
            "doubly",
            {"iwae": {"code": 2, "widths": [5], "skip": True, "draws": 3, "estimator": "doubly-reparameterised"}},
            [4],
        ),
    ),
    (
        variational(importance_weighted),
        Case(
            "binarised",
            {"iwae": {"code": 2, "widths": [5], "activation": "tanh", "skip": False, "binarise": True, "draws": 4}},
            [6],
            "bernoulli",
        ),
    ),
    (variational(vamp_vae), Case("rows", {"vamp-vae": {"code": 2, "widths": [4], "skip": True, "inputs": 3}}, [4])),
    (
        variational(beta_tc_vae),
        Case(
            "rows",
            {"beta-tc-vae": {"code": 2, "widths": [4], "skip": True, "alpha": 0.7, "beta": 5.0, "gamma": 1.5}},
            [4],
            training_rows=50,
        ),
    ),
    *(
        (
            variational(factor_vae),
            Case(
                group,
                {"factor-vae": {"code": 2, "widths": [4], "skip": True, "gamma": 5.0, "discriminator": [3, 4]}},
                [4],
                group=group,
            ),
        )
        for group in ("model", "discriminator")
    ),
    (
        variational(info_vae),
        Case("rows", {"info-vae": {"code": 2, "widths": [4], "skip": True, "alpha": 0.3, "lambda": 9.0}}, [4]),
    ),
    (
        variational(iaf_vae, iaf_infer),
        Case("rows", {"iaf-vae": {"code": 3, "widths": [4], "skip": True, "warmup": 0.0, "flow": 3, "flow-widths": [7, 5]}}, [4]),
    ),
    (
        variational(maf_vae),
        Case("rows", {"maf-vae": {"code": 3, "widths": [4], "skip": True, "warmup": 0.0, "flow": 2, "flow-widths": [7]}}, [4]),
    ),
    (
        variational(ladder_vae, ladder_infer),
        Case(
            "rows",
            {"ladder-vae": {"code": 3, "widths": [4], "skip": True, "warmup": 0.0, "top": 2, "top-widths": [6, 5]}},
            [4],
        ),
    ),
    *(
        (aae, Case(group, {"aae": {"code": 2, "widths": [4], "skip": True, "adversary": 0.7, "discriminator": [5, 3]}}, [4], group=group))
        for group in ("model", "discriminator")
    ),
    *(
        (svdd, Case(name, {"svdd": {"code": 2, "widths": [5, 4], "activation": activation, "pretraining": share, **nu}}, dims, *rest))
        for name, activation, share, nu, dims, *rest in [
            ("one-class", "silu", 0.0, {}, [4]),
            ("soft-boundary", "silu", 0.0, {"nu": 0.2}, [6], MIXED),
            ("settling", "relu", 0.5, {}, [4]),
        ]
    ),
    *(
        (
            variational(vae_gan),
            Case(
                group,
                {
                    "vae-gan": {
                        "code": 2,
                        "widths": [4],
                        "skip": True,
                        "discriminator": [5, 3],
                        "noise": 0.3,
                        "adversary": 0.6,
                        "similarity": 0.8,
                        "bound": 2.0,
                    }
                },
                [6],
                MIXED,
                group=group,
            ),
        )
        for group in ("encoder", "decoder", "discriminator")
    ),
    (wae_mmd, Case("mixed", {"wae-mmd": {"code": 2, "widths": [4], "skip": True, "lambda": 7.0}}, [6], MIXED)),
    (
        codebooks,
        Case(
            "rows",
            {"vq-vae": {"code": 4, "widths": [5], "skip": True, "vector": 2, "codebook": 6, "commitment": 0.4}},
            [5],
        ),
    ),
    (
        codebooks,
        Case(
            "rows",
            {"rq-vae": {"code": 3, "widths": [5], "skip": False, "vector": 3, "codebook": 4, "depth": 3, "commitment": 0.25}},
            [5],
        ),
    ),
    (fsq, Case("rows", {"fsq": {"code": 3, "widths": [5], "skip": False, "levels": [8, 5]}}, [5])),
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
        # Random numbers are computed in single precision by narrows-tensor.
        exact = getattr(forward, "exact", False)
        tolerance = 1e-9 if exact is True or exact and exact(case) else 1e-6
        z, reconstruction, loss = forward(case, case.scaled(x), x)
    # In a step of one group only the gradients of its parameters count.
    trains = {
        "model": lambda name: not name.startswith("discriminator."),
        "encoder": lambda name: name.startswith(("encoder.", "path.encode.")),
        "decoder": lambda name: name.startswith(("decoder.", "path.decode.", "likelihood.")),
        "discriminator": lambda name: name.startswith("discriminator."),
    }
    case.trained = list(filter(trains.get(case.group, lambda name: True), case.trained))
    gradients = torch.autograd.grad(loss.mean(), [case.tensors[name] for name in case.trained], allow_unused=True)
    return {
        "torch": torch.__version__.split("+")[0],
        "tolerance": tolerance,
        "config": case.config,
        **({"group": case.group} if case.group else {}),
        "data": {
            "sample": case.dims,
            "likelihood": case.likelihood,
            **({"rows": case.training_rows} if case.training_rows else {}),
            **({"condition": case.condition_width} if case.condition_width else {}),
            **({"reals": case.reals} if case.reals else {}),
            **({"unit_interval": True} if case.pixels else {}),
        },
        "tensors": {name: array(tensor) for name, tensor in sorted(case.tensors.items())},
        "x": array(x),
        **({"condition": array(case.condition)} if case.condition_width else {}),
        "z": array(z),
        "reconstruction": array(reconstruction),
        "loss": loss.tolist(),
        "gradients": {name: array(gradient) for name, gradient in sorted(zip(case.trained, gradients)) if gradient is not None},
    }


folder = pathlib.Path(sys.argv[1]) / "crates/narrows-models/tests/golden"
folder.mkdir(parents=True, exist_ok=True)
for forward, case in CASES:
    variant = next(iter(case.config))
    (folder / f"{variant}.{case.name}.json").write_text(json.dumps(run(forward, case)) + "\n")

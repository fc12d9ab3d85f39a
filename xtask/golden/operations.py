"""Golden numbers of the fused operations: values and gradients of PyTorch's, in float64.

Argument: a folder. Writes FOLDER/crates/narrows-tensor/tests/golden/operations.json, which names the version used. A case
holds inputs, the output y, a direction d, and the gradients of sum(d * y). Layouts are those of narrows-tensor: channels
last, convolution weights [out, KH, KW, in], those of transposed convolutions [in, KH, KW, out].
"""

import json
import math
import pathlib
import sys

import torch
from torch.nn import functional as F

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": F.relu,
    "leaky-relu": lambda x: F.leaky_relu(x, 0.01),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": F.gelu,
    "softplus": F.softplus,
}


def draw(shape, salt, scale=1.0):
    """Numbers in -scale..scale that look random, none close to zero."""
    count = math.prod(shape)
    values = [math.sin(12.9898 * (index + 1) + 78.233 * salt) * 43758.5453 for index in range(count)]
    values = [2.0 * (value - math.floor(value)) - 1.0 for value in values]
    values = [math.copysign(0.05 + 0.95 * abs(value), value) * scale for value in values]
    return torch.tensor(values, dtype=torch.float64).round(decimals=4).reshape(shape)


def first(x):
    return x.permute(0, 3, 1, 2)


def last(x):
    return x.permute(0, 2, 3, 1)


def conv(x, weight, bias, stride, padding, _):
    return last(F.conv2d(first(x), first(weight), bias, stride, padding))


def conv_transpose(x, weight, bias, stride, padding, output_padding):
    return last(F.conv_transpose2d(first(x), first(weight), bias, stride, padding, output_padding))


def conv_line(x, weight, bias, stride, padding, _):
    return F.conv1d(x.mT, weight.mT, bias, stride, padding).mT


def conv_transpose_line(x, weight, bias, stride, padding, output_padding):
    return F.conv_transpose1d(x.mT, weight.mT, bias, stride, padding, output_padding).mT


def batch_norm(x, scale, shift):
    rows = x.reshape(-1, x.shape[-1])
    return F.batch_norm(rows, None, None, scale, shift, training=True, eps=1e-5).reshape(x.shape)


def batch_norm_infer(x, scale, shift, mean, variance):
    rows = x.reshape(-1, x.shape[-1])
    return F.batch_norm(rows, mean.detach(), variance.detach().abs(), scale, shift, training=False, eps=1e-5).reshape(x.shape)


def weighted(elements):
    """Per-sample sums under weights of single elements, which are constants."""
    return lambda a, b, weight: (elements(a, b) * weight.detach().abs()).flatten(1).sum(1)


def gaussian(mean, log_var, x):
    each = F.gaussian_nll_loss(mean, x, log_var.exp(), full=True, eps=0.0, reduction="none")
    return each.flatten(1).sum(1)


def divergence(mean, log_var):
    code = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    normal = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    return torch.distributions.kl_divergence(code, normal).flatten(1).sum(1)


def sparse(x, encoder, encoder_bias, decoder, bias):
    values, indices = F.linear(x, encoder, encoder_bias).topk(2)
    return F.embedding_bag(indices, decoder, per_sample_weights=F.relu(values), mode="sum") + bias


def chosen(x, encoder, encoder_bias, decoder, count):
    """The largest latents of the whole batch, as BatchTopK chooses them, decoded."""
    dense = F.relu(F.linear(x, encoder, encoder_bias))
    least = dense.detach().flatten().topk(count).values[-1]
    return torch.where(dense >= least, dense, 0.0) @ decoder


def above(x, encoder, encoder_bias, decoder, bound):
    """The latents above a bound, decoded."""
    dense = F.linear(x, encoder, encoder_bias)
    return torch.where(dense > bound, dense, 0.0) @ decoder


def perceptron(x, w1, b1, w2, w3, b3):
    return torch.tanh(F.linear(F.silu(F.linear(F.gelu(F.linear(x, w1, b1)), w2)), w3, b3))


def cases():
    for name, activation in ACTIVATIONS.items():
        shapes = [(5, 7), (9, 7), (9,)]
        yield f"linear {name}", shapes, lambda x, w, b, f=activation: f(F.linear(x, w, b)), {"activation": name}
    moves = [((1, 1), (1, 1), (0, 0)), ((2, 2), (1, 1), (1, 0)), ((3, 2), (0, 2), (2, 1))]
    for index, (stride, padding, output_padding) in enumerate(moves):
        move = {"stride": stride, "padding": padding, "output_padding": output_padding}
        at = lambda f, m=(stride, padding, output_padding): lambda x, w, b: torch.tanh(f(x, w, b, *m))
        channels = 1 + 8 * index
        yield f"conv2d {index}", [(2, 7, 6, channels), (5, 4, 3, channels), (5,)], at(conv), move
        yield f"conv_transpose2d {index}", [(2, 3, 4, 5), (5, 4, 3, channels), (channels,)], at(conv_transpose), move
        move = {"stride": stride[0], "padding": padding[0], "output_padding": output_padding[0]}
        at = lambda f, m=tuple(move.values()): lambda x, w, b: torch.tanh(f(x, w, b, *m))
        yield f"conv1d {index}", [(3, 11, channels), (5, 4, channels), (5,)], at(conv_line), move
        yield f"conv_transpose1d {index}", [(3, 5, 4), (4, 4, channels), (channels,)], at(conv_transpose_line), move
    yield "perceptron", [(6, 20), (33, 20), (33,), (12, 33), (9, 12), (9,)], perceptron, {}
    yield "softmax", [(3, 4, 9)], lambda x: x.softmax(-1), {}
    yield "log_softmax", [(3, 4, 9)], lambda x: x.log_softmax(-1), {}
    yield "layer_norm", [(3, 4, 9), (9,), (9,)], lambda x, a, b: F.layer_norm(x, (9,), a, b, 1e-5), {}
    yield "batch_norm", [(3, 4, 9), (9,), (9,)], batch_norm, {}
    yield "batch_norm_infer", [(3, 4, 9), (9,), (9,), (9,), (9,)], batch_norm_infer, {}
    upsampled = lambda x: last(F.interpolate(first(x), scale_factor=(2, 3), mode="nearest"))
    yield "upsample", [(2, 3, 2, 5)], upsampled, {"factor": (2, 3)}
    pair = [(3, 4, 5), (3, 4, 5)]
    yield "squared_error", pair, lambda a, b: F.mse_loss(a, b, reduction="none").flatten(1).sum(1), {}
    logistic = lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none").flatten(1).sum(1)
    yield "bce_with_logits", pair, logistic, {}
    square = lambda a, b: F.mse_loss(a, b, reduction="none")
    yield "squared_error weighted", pair + [pair[0][1:]], weighted(square), {}
    entropy = lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none")
    yield "bce_with_logits weighted", pair + pair[:1], weighted(entropy), {}
    yield "gaussian_nll", pair + pair[:1], gaussian, {}
    yield "kl_gaussian", pair, divergence, {}
    yield "categorical", [(4, 6), (4, 6)], lambda a, b: F.cross_entropy(a, b, reduction="none"), {}
    yield "top_k", [(4, 40)], lambda x: torch.gather(x, 1, x.topk(4).indices.sort().values), {"k": 4}
    yield "sparse", [(4, 64), (66, 64), (66,), (66, 6), (6,)], sparse, {"k": 2}
    picked = lambda x, e, f, d: chosen(x, e, f, d, 30)
    higher = lambda x, e, f, d: above(x, e, f, d, 0.5)
    yield "above", [(7, 24), (40, 24), (40,), (40, 6)], higher, {"bound": 0.5}
    yield "centre", [(5, 7), (7,)], lambda x, c: x - c, {}
    yield "affine", [(3, 4, 5), (5,), (4, 5)], lambda x, a, b: x * a.detach() + b.detach(), {}
    yield "chosen", [(7, 24), (40, 24), (40,), (40, 6)], picked, {"count": 30}


def run(name, shapes, function, options):
    inputs = [draw(shape, salt + 1, 2.0 / shape[-1] ** 0.5 if len(shape) > 1 else 1.0) for salt, shape in enumerate(shapes)]
    inputs = [x.requires_grad_() for x in inputs]
    y = function(*inputs)
    direction = draw(tuple(y.shape), 99)
    gradients = torch.autograd.grad((y * direction).sum(), inputs, allow_unused=True)
    gradients = [torch.zeros_like(x) if gradient is None else gradient for x, gradient in zip(inputs, gradients)]
    plain = lambda x: {"shape": list(x.shape), "values": x.flatten().tolist()}
    return {
        "name": name,
        "options": options,
        "inputs": [plain(x) for x in inputs],
        "direction": plain(direction),
        "output": plain(y),
        "gradients": [plain(gradient) for gradient in gradients],
    }


golden = {"torch": torch.__version__.split("+")[0], "cases": [run(*case) for case in cases()]}
path = pathlib.Path(sys.argv[1]) / "crates/narrows-tensor/tests/golden/operations.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(golden) + "\n")

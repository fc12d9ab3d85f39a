"""What `narrows encode` does, in Python: `encode.py MODEL DATA OUT`, or `encode.py --compare OURS THEIRS`.

Reads a Parquet file with pyarrow, runs the encoder of the same model file in PyTorch and writes the codes as Parquet. It
prints the seconds that this took without the interpreter's start and its imports.
"""

import json
import pathlib
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.nn import functional as F

BATCH = 65_536


def load(path):
    """Tensors and document of a model file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    document = json.loads(json.loads(header.pop("__metadata__")["narrows"])["document"])
    types = {"F32": np.float32, "F64": np.float64}

    def tensor(entry):
        start, end = entry["data_offsets"]
        return torch.from_numpy(np.frombuffer(body[start:end], types[entry["dtype"]]).reshape(entry["shape"]).copy())

    return {name.removeprefix("model."): tensor(entry) for name, entry in header.items()}, document


def encode(model, data, out):
    weights, document = load(pathlib.Path(model) / "model.safetensors")
    columns = document["preparation"]["transform"]["table"]
    scales = [column["code"]["number"]["scale"]["linear"] for column in columns]
    shift = torch.tensor([scale["shift"] for scale in scales], dtype=torch.float32)
    unit = torch.tensor([scale["unit"] for scale in scales], dtype=torch.float32)
    layers = [(weights[f"encoder.{i}.weight"], weights[f"encoder.{i}.bias"]) for i in range(4)]
    path = weights["path.encode.weight"], weights["path.encode.bias"]
    mean, gain = weights["scaling.input_mean"], weights["scaling.input_gain"]
    # One affine map instead of two: features and the network's own scaling.
    scale, offset = gain / unit, (-shift / unit - mean) * gain

    table = pq.read_table(data, columns=[column["name"] for column in columns])
    rows = torch.from_numpy(np.column_stack([column.to_numpy() for column in table.columns]).astype(np.float32))
    codes = []
    with torch.inference_mode():
        for x in rows.split(BATCH):
            h = u = torch.addcmul(offset, x, scale)
            for index, layer in enumerate(layers):
                h = F.linear(h, *layer)
                h = F.silu(h, inplace=True) if index + 1 < len(layers) else h
            codes.append(h + F.linear(u, *path))
    codes = torch.cat(codes).numpy()
    pq.write_table(pa.table({f"z{i}": np.ascontiguousarray(codes[:, i]) for i in range(codes.shape[1])}), out)


def compare(ours, theirs):
    ours, theirs = pq.read_table(ours), pq.read_table(theirs)
    assert ours.column_names == theirs.column_names and ours.num_rows == theirs.num_rows, "other columns or rows"
    for name in ours.column_names:
        a, b = ours[name].to_numpy(), theirs[name].to_numpy()
        assert np.abs(a - b).max() <= 1e-4 * np.abs(b).max(), f"{name} differs by {np.abs(a - b).max()}"


if sys.argv[1] == "--compare":
    compare(*sys.argv[2:])
else:
    start = time.perf_counter()
    encode(*sys.argv[1:])
    print(time.perf_counter() - start)

"""How well principal components denoise MNIST, for `cargo xtask reproduce denoising`.

`pca_denoising.py IMAGES TEST_IMAGES LEVEL` fits principal components to clean training pictures (the first 54,000), chooses
their number by the PSNR of denoised validation pictures (the last 6,000), and prints the mean PSNR over the test pictures at
that number, as JSON. Noise is Gaussian, and noisy pixels are not clipped; denoised ones are, to 0..1.
"""

import gzip
import json
import struct
import sys

import numpy as np


def idx(path):
    with gzip.open(path) as file:
        _, _, axes = struct.unpack(">HBB", file.read(4))
        shape = struct.unpack(f">{axes}I", file.read(4 * axes))
        return np.frombuffer(file.read(), np.uint8).reshape(shape[0], -1) / 255.0


def psnr(clean, other):
    return float((-10 * np.log10(np.mean((clean - other) ** 2, axis=1))).mean())


def main():
    images, test, level = idx(sys.argv[1]), idx(sys.argv[2]), float(sys.argv[3])
    train, validation = images[:54000], images[54000:]
    rng = np.random.default_rng(0)
    noisy = lambda clean: clean + level * rng.standard_normal(clean.shape)
    mean = train.mean(0)
    values, vectors = np.linalg.eigh((train - mean).T @ (train - mean) / len(train))
    vectors = vectors[:, np.argsort(-values)]

    def denoised(pictures, rank):
        axes = vectors[:, :rank]
        return np.clip((pictures - mean) @ axes @ axes.T + mean, 0, 1)

    corrupted = noisy(validation)
    rank = max(range(2, 100, 2), key=lambda rank: psnr(validation, denoised(corrupted, rank)))
    corrupted = noisy(test)
    print(json.dumps({"rank": rank, "psnr": psnr(test, denoised(corrupted, rank)), "noisy": psnr(test, corrupted)}))


main()

"""The semi-supervised protocol of the DTE benchmark (Livernoche et al., ICLR 2024) for `cargo xtask reproduce adbench`.

`adbench.py SET.npz SEED TRAIN TEST` draws the rows of one seed: sets of fewer than 1,000 rows are sampled with replacement up to
1,000, larger ones than 50,000 down to that; TRAIN is the first half of the normal rows, TEST the other half and all anomalies.
Neither is scaled. Prints the numbers of rows as JSON.
"""

import json
import sys

import numpy as np

FEWEST, MOST = 1_000, 50_000


def main(path, seed, train, test):
    with np.load(path, allow_pickle=False) as file:
        rows, anomalous = file["X"].astype(np.float64), file["y"].astype(np.int64)
    random = np.random.RandomState(int(seed))
    if len(anomalous) < FEWEST:
        drawn = random.choice(len(anomalous), FEWEST, replace=True)
        rows, anomalous = rows[drawn], anomalous[drawn]
    if len(anomalous) > MOST:
        drawn = random.choice(len(anomalous), MOST, replace=False)
        rows, anomalous = rows[drawn], anomalous[drawn]
    normal, strange = np.flatnonzero(anomalous == 0), np.flatnonzero(anomalous == 1)
    half = len(normal) // 2
    tested = np.concatenate([normal[half:], strange])
    np.savez(train, X=rows[normal[:half]])
    np.savez(test, X=rows[tested], y=anomalous[tested])
    print(json.dumps({"train": half, "test": len(tested), "anomalies": len(strange)}))


main(*sys.argv[1:])

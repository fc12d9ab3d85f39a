"""PyOD's autoencoder from a CSV file to scores, for `cargo xtask bench shuttle-csv`.

`table SET.npz OUT.csv` writes a set of ADBench as text, its label last; `fit IN.csv OUT.csv` fits the detector to all columns but
that one, with its defaults, and writes the score of each row; `auroc IN.csv SCORES.csv` prints the area under the curve of the
column `score`.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

LABEL = "y"


def table(source, target):
    with np.load(source) as file:
        columns = {f"x{i}": column for i, column in enumerate(file["X"].T)} | {LABEL: file["y"]}
    csv.write_csv(pa.table(columns), target)


def fit(source, target):
    from pyod.models.auto_encoder import AutoEncoder

    rows = csv.read_csv(source)
    features = [name for name in rows.column_names if name != LABEL]
    detector = AutoEncoder(verbose=0)
    detector.fit(np.column_stack([rows[name].to_numpy() for name in features]).astype(np.float32))
    csv.write_csv(pa.table({"score": detector.decision_scores_}), target)


def auroc(source, scores):
    from sklearn.metrics import roc_auc_score

    print(roc_auc_score(csv.read_csv(source)[LABEL].to_numpy(), csv.read_csv(scores)["score"].to_numpy()))


{"table": table, "fit": fit, "auroc": auroc}[sys.argv[1]](*sys.argv[2:])

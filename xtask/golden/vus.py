"""Golden numbers of VUS-PR: those of TSB-AD, the benchmark's own code, in a pinned version.

Argument: a folder. Writes FOLDER/crates/narrows-eval/tests/golden/vus.json. The package pins old versions of what it needs for
its models; its metric needs numpy and scikit-learn only, so the module is taken out of the package without them.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

PACKAGE = "TSB-AD==1.5"


def metric():
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        path = zipfile.ZipFile(wheel).extract("TSB_AD/evaluation/basic_metrics.py", folder)
        spec = importlib.util.spec_from_file_location("basic_metrics", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.basic_metricor()


def series(random, steps, ranges, shift, decimals):
    labels = np.zeros(steps, int)
    scores = random.normal(size=steps)
    for start, end in ranges:
        labels[start:end] = 1
        # Found late, and still high when it is over.
        scores[start + 2 : end + 4] += shift
    return np.round(scores, decimals), labels


metricor = metric()
random = np.random.default_rng(5)
cases = []
for steps, ranges, shift, decimals, window in [
    (300, [(100, 120)], 2.0, 12, 20),
    (700, [(0, 15), (300, 330), (345, 350), (690, 700)], 1.5, 12, 40),
    (260, [(50, 60), (64, 70), (200, 201)], 3.0, 0, 25),
    (120, [(40, 60)], 0.0, 1, 0),
    (500, [(20, 480)], 0.5, 12, 100),
    (90, [(10, 20), (60, 62)], 2.0, 12, 33),
]:
    scores, labels = series(random, steps, ranges, shift, decimals)
    *_, value = metricor.RangeAUC_volume_opt(labels, scores, window)
    cases.append({"scores": scores.tolist(), "labels": labels.astype(bool).tolist(), "window": window, "vus_pr": float(value)})

golden = {"numpy": np.__version__, "package": PACKAGE, "cases": cases}
path = pathlib.Path(sys.argv[1]) / "crates/narrows-eval/tests/golden/vus.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(golden) + "\n")

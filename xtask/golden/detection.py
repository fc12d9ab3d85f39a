"""Golden numbers of detection metrics: scikit-learn's for rankings, the Numenta benchmark's definition for its score.

Argument: a folder. Writes FOLDER/crates/narrows-eval/tests/golden/detection.json, which names the versions used.
scikit-learn has no precision at n; here it is its precision of the n highest scores, at places that cut no tie.
The benchmark's score is computed from its published definition by looking at one threshold at a time, without the
running sums of an implementation.
"""

import json
import math
import pathlib
import sys

import numpy as np
import sklearn
from sklearn import metrics

PROFILES = {"standard": (1.0, 0.11, 1.0), "low_false_alarms": (1.0, 0.22, 1.0), "low_missed": (1.0, 0.11, 2.0)}


def ranking(scores, labels, places):
    scores, labels = np.asarray(scores, float), np.asarray(labels, bool)
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.nanmax(2 * precision * recall / (precision + recall))
    threshold = float(np.quantile(scores, 0.8))
    true_normal, false_alarms, missed, true_alarms = metrics.confusion_matrix(labels, scores >= threshold).ravel()
    at = []
    for n in places:
        kept = np.sort(scores)[::-1][:n]
        flagged = scores >= kept[-1]
        assert flagged.sum() == n, "a tie is cut"
        at.append([n, float(metrics.precision_score(labels, flagged))])
    return {
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "auroc": float(metrics.roc_auc_score(labels, scores)),
        "average_precision": float(metrics.average_precision_score(labels, scores)),
        "precision_at": at,
        "best_f1": float(f1),
        "threshold": threshold,
        "false_alarm_rate": float(false_alarms / (false_alarms + true_normal)),
        "missed_alarm_rate": float(missed / (missed + true_alarms)),
    }


def rankings():
    random = np.random.default_rng(7)
    cases = []
    for rows, share, shift in [(50, 0.2, 1.0), (400, 0.05, 2.0), (1000, 0.5, 0.1), (300, 0.01, 0.0)]:
        labels = random.random(rows) < share
        labels[:2] = [True, False]
        scores = random.normal(size=rows) + shift * labels
        cases.append(ranking(scores, labels, [1, 7, int(labels.sum()), rows]))
        # The same with many ties, and with all scores equal.
        tied = np.round(scores * 2.0)
        places = np.unique(np.cumsum([int((tied == value).sum()) for value in np.unique(tied)[::-1]]))
        cases.append(ranking(tied, labels, [int(place) for place in places]))
    cases.append(ranking(np.zeros(6), [True, False, False, True, False, False], [6]))
    return cases


def value(step, windows, true_weight, false_weight):
    """The window a step lies in, if any, and what an alarm at it is worth."""
    sigma = lambda y: -1.0 if y >= 3.0 else 2.0 / (1.0 + math.exp(5.0 * y)) - 1.0
    for number, (start, end) in enumerate(windows):
        if start <= step <= end:
            return number, true_weight * sigma(-(end - step + 1) / (end - start + 1)) / sigma(-1.0)
    before = [(start, end) for start, end in windows if end < step]
    if not before:
        return None, -false_weight
    start, end = before[-1]
    return None, false_weight * sigma((step - end) / (end - start))


def nab(series, profile):
    true_weight, false_weight, missed_weight = PROFILES[profile]
    count = sum(len(windows) for _, windows in series)
    best = -missed_weight * count
    for threshold in sorted({score for scores, _ in series for score in scores}):
        total = 0.0
        for scores, windows in series:
            detected = {}
            probation = min(math.floor(0.15 * len(scores)), 0.15 * 5000)
            for step, score in enumerate(scores):
                if step < probation or score < threshold:
                    continue
                window, worth = value(step, windows, true_weight, false_weight)
                if window is None:
                    total += worth
                else:
                    detected[window] = max(detected.get(window, -missed_weight), worth)
            total += sum(detected.values()) - missed_weight * (len(windows) - len(detected))
        best = max(best, total)
    silence = -missed_weight * count
    return 100.0 * (best - silence) / (true_weight * count - silence)


def nab_cases():
    random = np.random.default_rng(11)
    cases = []
    for many, strength in [(1, 3.0), (3, 1.0), (4, 0.3)]:
        series = []
        for number in range(many):
            steps = 120 + 40 * number
            windows = [] if number == 2 else [[40, 49], [80 + number, 100]]
            scores = random.random(steps)
            for start, end in windows:
                scores[start + 2 : end + 1] += strength * random.random(end - start - 1)
            if number == 1:
                scores = np.round(scores, 1)
            series.append((scores.tolist(), windows))
        case = {"series": [{"scores": scores, "windows": windows} for scores, windows in series]}
        cases.append(case | {profile: nab(series, profile) for profile in PROFILES})
    return cases


golden = {
    "numpy": np.__version__,
    "scikit-learn": sklearn.__version__,
    "rankings": rankings(),
    "nab": nab_cases(),
}
path = pathlib.Path(sys.argv[1]) / "crates/narrows-eval/tests/golden/detection.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(golden) + "\n")

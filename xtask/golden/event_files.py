"""Reads an event file of narrows-train with TensorBoard's own reader. Needs a Rust toolchain; writes nothing."""

import os
import pathlib
import subprocess
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

repository = pathlib.Path(__file__).parents[2]
with tempfile.TemporaryDirectory() as directory:
    test = "cargo test -q -p narrows-train --test it -- --ignored --exact events::write_for_tensorboard"
    subprocess.run(test.split(), cwd=repository, env={**os.environ, "NARROWS_EVENTS": directory}, check=True)
    events = EventAccumulator(directory)
    events.Reload()
    found = {tag: [(s.step, round(s.value, 4)) for s in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
# The second file starts a session after step 1, which drops the later points of the first.
expected = {
    "rate": [(1, 0.5)],
    "model/loss": [(1, 1.0)],
    "model/gradient_norm": [(1, 2.0)],
    "model/kl": [(1, 0.25)],
}
found = {tag: points for tag, points in found.items() if points}
assert found == expected, found
print("TensorBoard reads the event files")

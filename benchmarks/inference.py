"""What a score costs: ``python benchmarks/inference.py``, one process, one thread.

Trees: XGBoost's own prediction against the forest of all labels. Networks: TensorFlow (a call of
the Keras model on 1,024 rows, as SCoPe's code does) and, where it is installed, ONNX Runtime,
against the compiled runtime. Scores: features with gaps in, one column per label out, by the code
that infer_fields calls. All ratios are of one run, best of several repetitions.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before TensorFlow is imported: as many threads as the compiled runtime.
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")

import numpy as np
import pandas as pd
import xgboost as xgb
from periodograms import say
from scoring_models import (
    KIND,
    LABELS,
    SETS,
    feature_rows,
    images,
    network_set,
    tree_set,
    trees,
    weights,
)

from models import store
from models.forest import load_forest
from models.networks.architecture import Architecture, build, ordered_variables
from models.networks.runtime import Network
from models.networks.stored import to_bytes
from models.scorer import Scorer

BATCH = 1024
FAMILIES = {
    "scope, 1 label": Architecture("scope", 61),
    "scope, 44 labels": Architecture("scope", 61, 44, head_units=64),
    "acai": Architecture("acai", 25),
    "braai": Architecture("braai", 0),
}


def seconds(work: Callable[[], Any], repeats: int) -> float:
    """Shortest of some repetitions, after one to warm up."""
    work()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def compare_trees(rounds: int, rows: int) -> None:
    """All labels by XGBoost, one after the other, and by the forest."""
    models = trees(rounds)
    filled = np.nan_to_num(feature_rows(rows, seed=3)).astype(np.float32)
    filled[np.random.default_rng(4).random(filled.shape) < 0.05] = np.nan
    boosters = {name: xgb.Booster({"nthread": 1}, model_file=bytearray(model))
                for name, model in models.items()}  # fmt: skip
    columns = {kind: [SETS.ontological.index(name) for name in SETS.of_kind(kind)]
               for kind in set(KIND.values())}  # fmt: skip

    def theirs(margin: bool = False) -> np.ndarray:
        data = {kind: xgb.DMatrix(filled[:, at], feature_names=list(SETS.of_kind(kind)))
                for kind, at in columns.items()}  # fmt: skip
        return np.column_stack([boosters[name].predict(data[KIND[name]], output_margin=margin)
                                for name in LABELS])  # fmt: skip

    start = time.perf_counter()
    forest = load_forest(models, SETS.ontological)
    loading = time.perf_counter() - start
    theirs_s, ours_s = seconds(theirs, 3), seconds(lambda: forest.predict(filled), 3)
    apart = np.abs(theirs(margin=True) - forest.margins(filled)).max()
    say(f"{len(models)} labels, {forest.ends[-1]:,} trees: XGBoost {rows / theirs_s:,.0f} rows/s, "
        f"forest {rows / ours_s:,.0f} ({theirs_s / ours_s:.1f} times as fast); largest difference "
        f"of margins {apart:g}; loaded in {loading:.2f} s")  # fmt: skip


def compare_networks() -> float:
    """Microseconds per row of each family; returns TensorFlow's for one label."""
    one_label = 0.0
    for name, architecture in FAMILIES.items():
        values = weights(architecture, seed=1)
        rng = np.random.default_rng(2)
        image = rng.beta(0.3, 3.0, (BATCH, *architecture.image)).astype(np.float32)
        features = rng.normal(size=(BATCH, architecture.n_features)).astype(np.float32)
        given = [features, image] if architecture.n_features else [image]
        model = build(architecture)
        for variable, value in zip(ordered_variables(model, architecture), values, strict=True):
            variable.assign(value)
        network = Network.load(to_bytes(architecture, values))
        costs = {"TensorFlow": lambda m=model, g=given: np.asarray(m(g, training=False))}
        if importlib.util.find_spec("onnxruntime"):
            from onnx_networks import session

            costs["ONNX Runtime"] = session(architecture, values, given)
        own = given[0] if architecture.n_features else None
        costs["compiled"] = lambda n=network, f=own, i=image: n.predict(f, i)
        took = {tool: 1e6 * seconds(work, 5) / BATCH for tool, work in costs.items()}
        apart = np.abs(costs["compiled"]() - costs["TensorFlow"]()).max()
        say(f"{name:17s}" + ", ".join(f"{tool} {us:.1f} us" for tool, us in took.items())
            + f" per row: {took['TensorFlow'] / took['compiled']:.1f} times as fast as TensorFlow; "
            f"largest difference {apart:.1e}")  # fmt: skip
        one_label = one_label or took["TensorFlow"]
    return one_label


def compare_scores(rounds: int, rows: int, tensorflow_us: float) -> None:
    """Rows per second and thread of the code that infer_fields calls."""
    table = pd.DataFrame(feature_rows(rows, seed=3), columns=list(SETS.ontological))
    image = images(rows, seed=4)
    with tempfile.TemporaryDirectory() as folder:
        files = store.LocalFiles(Path(folder))
        forest = tree_set(files, rounds)
        separate, multi = network_set(files, multi=False), network_set(files, multi=True)
    plain = 1e6 / (tensorflow_us * len(LABELS))
    say(f"44 networks in TensorFlow, without anything else: {plain:,.0f} rows/s")
    for name, sets in {
        "XGB": [forest],
        "44 networks": [separate],
        "XGB and 44 networks": [forest, separate],
        "XGB and the network of all labels": [forest, multi],
    }.items():
        scorer = Scorer(sets)
        rate = rows / seconds(lambda s=scorer: s.score(table, image), 2)
        say(f"{name}: {rate:,.0f} rows/s"
            + (f", {rate / plain:.1f} times TensorFlow" if separate in sets else ""))  # fmt: skip


def main() -> None:
    """Print the three comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="trees per label (default 200)")
    parser.add_argument("--rows", type=int, default=20000, help="rows to score (default 20000)")
    args = parser.parse_args()
    compare_trees(args.rounds, args.rows)
    compare_scores(args.rounds, args.rows, compare_networks())


if __name__ == "__main__":
    sys.exit(main())

"""Label models on the Catalina variables against a random forest on published features.

Both sides see the same stars, labels and folds; a star is in one fold. Ours: one XGBoost model per
label as in train_xgb, on the features of the warehouse. Theirs: scikit-learn's random forest on
the 51 FATS features that kvmu/lightcurve-classification published for these stars, gaps filled
with the median. Figure of merit: average precision of the out-of-fold scores, averaged over the
labels with at least 50 examples of either class.

    python benchmarks/crts_labels.py --warehouse warehouse

needs the features of survey crts_csdr1 in the warehouse and the folder of the real data.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from jobs.common.config import CONF
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from models.class_map import read_class_map
from models.feature_sets import CHOICES, EXTENDED, FeatureSets, read_feature_sets
from models.label_training import Plan, prepare, train_label
from models.metrics import NAMES, metrics_of, star_resamples
from models.splits import TEST, TRAIN, VALIDATION
from models.taxonomy import Taxonomy, read_taxonomy
from models.training_set import TrainingSet, build_training_set, known_labels
from models.xgb import Settings
from udfs.schemas import FEATURES

SURVEY = "crts_csdr1"
MIN_EXAMPLES = 50
AVERAGE_PRECISION = NAMES.index("average_precision")
# Columns of the FATS table that are no features.
NOT_FEATURES = ("ID", "Class", "object_id")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Out-of-fold scores of both sides for one label, on the rows that have an answer."""

    target: NDArray[np.int8]
    rows: NDArray[np.intp]
    ours: NDArray[np.float32]
    theirs: NDArray[np.float32]


def read_data(
    warehouse: Warehouse, data: Path, taxonomy: Taxonomy, sets: FeatureSets
) -> tuple[TrainingSet, FloatArray]:
    """The stars with both kinds of features, row by row the same."""
    folder = data / SURVEY
    objects = pd.read_parquet(folder / "objects.parquet")
    mapped = read_class_map(CONF / "labels" / f"{SURVEY}.toml", taxonomy)
    fats = pd.read_parquet(folder / "fats_features.parquet").set_index("object_id")
    said = [
        (SURVEY, star, label, probability)
        for star, name in zip(objects["object_id"], objects["class"], strict=True)
        if star in fats.index
        for label, probability in mapped.of_class(name, taxonomy).items()
    ]
    labels = pd.DataFrame(said, columns=["survey", "object_id", "label", "probability"])
    columns = ["survey", "object_id", "source_id", "filter", *sets.ontological]
    features = warehouse.read(FEATURES).where(f"survey = '{SURVEY}'").select(*columns).toPandas()
    both = build_training_set(features, known_labels(labels, taxonomy), taxonomy=taxonomy,
                              sets=sets)  # fmt: skip
    published = fats.drop(columns=[c for c in NOT_FEATURES if c in fats.columns])
    matrix = published.loc[both.object_id.tolist()].to_numpy(np.float64)
    matrix[~np.isfinite(matrix)] = np.nan
    return both, matrix


def folds_of(data: TrainingSet, n_folds: int) -> NDArray[np.intp]:
    """The fold of each row: stars shuffled once, dealt out in turn."""
    names, star = np.unique(data.object_id, return_inverse=True)
    fold = np.random.default_rng(42).permutation(len(names)) % n_folds
    dealt: NDArray[np.intp] = fold[star]
    return dealt


def parts_of_fold(fold: NDArray[np.intp], number: int, n_folds: int) -> NDArray[np.int8]:
    """Test on one fold, stop early on a tenth of the others, train on the rest."""
    part = np.full(len(fold), TRAIN, dtype=np.int8)
    rest = np.flatnonzero(fold != number)
    part[rest[np.random.default_rng(number).permutation(len(rest)) < len(rest) // 10]] = VALIDATION
    part[fold == number] = TEST
    return part


def out_of_fold(
    data: TrainingSet,
    published: FloatArray,
    *,
    taxonomy: Taxonomy,
    sets: FeatureSets,
    n_folds: int,
    n_trees: int,
) -> dict[str, Scores]:
    """Scores of every label with enough examples, both sides trained on the same folds."""
    plan = Plan(Settings(), min_examples=MIN_EXAMPLES, resamples=1)
    fold = folds_of(data, n_folds)
    ours: dict[str, FloatArray] = {}
    theirs: dict[str, FloatArray] = {}
    used: dict[str, NDArray[np.bool_]] = {}
    for number in range(n_folds):
        part = parts_of_fold(fold, number, n_folds)
        prepared, _ = prepare(data, part, sets=sets, taxonomy=taxonomy, plan=plan)
        for label in taxonomy.scored:
            # A star that one side cannot use is left out for both.
            target = np.where(
                prepared.complete[prepared.kinds[label]], data.targets[label], -1
            ).astype(np.int8)
            if min(np.sum(target == 1), np.sum(target == 0)) < MIN_EXAMPLES:
                continue
            result = train_label(prepared, label, plan)
            seen = np.flatnonzero((part != TEST) & (target >= 0))
            forest = make_pipeline(
                SimpleImputer(strategy="median"),
                RandomForestClassifier(n_trees, random_state=42, n_jobs=-1),
            ).fit(published[seen], target[seen])
            for scores in (ours, theirs):
                scores.setdefault(label, np.full(len(target), np.nan))
            ours[label][result.rows] = result.score
            theirs[label][result.rows] = forest.predict_proba(published[result.rows])[:, 1]
            used[label] = target >= 0
        sys.stderr.write(f"fold {number + 1} of {n_folds} done\n")
    return {
        label: Scores(
            data.targets[label][rows],
            rows,
            ours[label][rows].astype(np.float32),
            theirs[label][rows].astype(np.float32),
        )
        for label, rows in ((name, np.flatnonzero(mask)) for name, mask in used.items())
    }


def average_precisions(scores: dict[str, Scores], weight: FloatArray) -> FloatArray:
    """(n_resamples, n_labels, 2): ours and theirs."""
    found = [
        [
            metrics_of(s.target, side, threshold=0.7, weight=weight[:, s.rows])[
                :, AVERAGE_PRECISION
            ]
            for side in (s.ours, s.theirs)
        ]
        for s in scores.values()
    ]
    return np.moveaxis(np.array(found), 2, 0)


def compare(scores: dict[str, Scores], data: TrainingSet, resamples: int) -> dict[str, Any]:
    """Per label and on average: both average precisions and the interval of their difference."""
    _, star = np.unique(data.object_id, return_inverse=True)
    rng = np.random.default_rng(42)
    value = average_precisions(scores, np.ones((1, len(star))))[0]
    drawn = np.concatenate([
        average_precisions(scores, star_resamples(rng, star, 50)) for _ in range(resamples // 50)
    ])  # fmt: skip

    def entry(both: FloatArray, resampled: FloatArray) -> dict[str, object]:
        difference = np.nanquantile(resampled[:, 0] - resampled[:, 1], [0.025, 0.975])
        return {
            "ours": float(both[0]),
            "theirs": float(both[1]),
            "difference": float(both[0] - both[1]),
            "difference_95": [float(q) for q in difference],
        }

    return {
        "light_curves": len(star),
        "stars": int(star.max()) + 1,
        "labels": {
            label: {"positive": int(np.sum(s.target == 1)), "negative": int(np.sum(s.target == 0)),
                    **entry(value[i], drawn[:, i])}
            for i, (label, s) in enumerate(scores.items())
        },
        "macro_average": entry(value.mean(axis=0), drawn.mean(axis=1)),
    }  # fmt: skip


def as_text(found: dict[str, Any]) -> str:
    """The comparison as a table."""
    lines = ["label      positive negative    ours    FATS  difference  95 % interval"]
    for name, e in [*found["labels"].items(), ("average", found["macro_average"])]:
        low, high = e["difference_95"]
        lines.append(
            f"{name:10s} {e.get('positive', ''):>8} {e.get('negative', ''):>8}  {e['ours']:6.4f}  "
            f"{e['theirs']:6.4f}     {e['difference']:+.4f}  {low:+.4f} to {high:+.4f}"
        )
    lines.append(f"average precision, {found['stars']} stars, out of fold, folds by star")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Train both sides on the same folds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--warehouse", required=True, help="with the features of crts_csdr1")
    default = os.environ.get("LAMBDASKY_DATA", str(CONF.parents[1] / "shared" / "data"))
    parser.add_argument("--data", default=default, help="folder of the real data sets")
    parser.add_argument("--features", choices=CHOICES, default=EXTENDED, help="as in train_xgb")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--trees", type=int, default=300, help="of the random forest")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--out", help="write the figures to this JSON file as well")
    args = parser.parse_args(argv)
    taxonomy = read_taxonomy(CONF / "labels.toml")
    sets = read_feature_sets(CONF / "features.toml", choice=args.features)
    warehouse = Warehouse(open_session("crts_labels"), args.warehouse)
    data, published = read_data(warehouse, Path(args.data), taxonomy, sets)
    scores = out_of_fold(
        data, published, taxonomy=taxonomy, sets=sets, n_folds=args.folds, n_trees=args.trees
    )
    found = compare(scores, data, args.resamples)
    sys.stdout.write(as_text(found))
    if args.out:
        Path(args.out).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

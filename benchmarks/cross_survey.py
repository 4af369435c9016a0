"""Label models trained on some surveys and applied to another, as it comes.

    python benchmarks/cross_survey.py --warehouse warehouse --train crts_csdr1,asas_v \
        --test eros1_lmc

Nothing is fitted to the other survey: neither models nor imputation nor scaling. A tenth of the
training stars is the validation part. Beside each figure stands that of models trained on the other
survey itself, out of fold, where it has enough stars of the label.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from label_data import Labelled, labels_with_examples, read_labelled
from label_folds import open_study
from label_learners import Fold, Scores, learner

from jobs.common.config import CONF
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from models.evaluation.folds import folds_by_star
from models.metrics import label_metrics
from models.splits import TEST, TRAIN, VALIDATION
from models.taxonomy import Taxonomy, read_taxonomy

THRESHOLD = 0.7
MODELS = ("xgb-extended", "xgb-portable", "multi-portable")


def score_other(
    both: Labelled, taxonomy: Taxonomy, *, trained_on: Sequence[str], models: Sequence[str]
) -> dict[str, Scores]:
    """Model -> label -> (n,) scores of the rows of all other surveys."""
    known = np.isin(both.data.survey, trained_on)
    own = both.take(np.flatnonzero(known))
    part = np.full(len(known), TEST, dtype=np.int8)
    part[known] = np.where(folds_by_star(own.star, 10) == 0, VALIDATION, TRAIN)
    targets = {
        label: both.data.targets[label] for label in labels_with_examples(own, taxonomy)
    }  # fmt: skip
    fold = Fold(both, targets, part, taxonomy)
    return {model: learner(model)(fold) for model in models}


def judge(
    other: Labelled,
    scores: dict[str, Scores],
    own: dict[str, Scores],
    *,
    rows: np.ndarray[Any, np.dtype[np.intp]],
) -> list[dict[str, Any]]:
    """Per label: metrics of each model on the other survey, whose rows are ``rows`` of the scores.

    ``own`` has scores of models trained on the other survey, by the same names.
    """
    table = []
    stars = other.data.object_id
    for label in next(iter(scores.values())):
        target = other.data.targets[label]
        known = np.flatnonzero(target >= 0)
        if np.sum(target == 1) < 10:
            continue
        entry: dict[str, Any] = {
            "label": label, "positive": int(np.sum(target == 1)),
            "negative": int(np.sum(target == 0)),
        }  # fmt: skip
        found = {model: of[label][rows] for model, of in scores.items()}
        found |= {f"{m}, own": of[label] for m, of in own.items() if label in of}
        for model, score in found.items():
            entry[model] = label_metrics(
                target[known], score[known], stars=stars[known].tolist(), threshold=THRESHOLD,
                resamples=200,
            )  # fmt: skip
        table.append(entry)
    return table


def as_text(table: list[dict[str, Any]], test: str) -> str:
    """Average precision, and precision and recall at 0.7, per label and model."""
    lines = [f"{test}: average precision | precision | recall at {THRESHOLD}"]
    for entry in table:
        lines.append(f"{entry['label']:8s} {entry['positive']:6d} + {entry['negative']:6d} -")
        for model, m in entry.items():
            if isinstance(m, dict):
                values = (m[name] for name in ("average_precision", "precision", "recall"))
                shown = "  ".join("  --  " if v is None else f"{v:6.3f}" for v in values)
                lines.append(f"    {model:24s} {shown}")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Train on some surveys, score another, and print what comes out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add = parser.add_argument
    add("--warehouse", required=True, help="with the features of all surveys named")
    default = os.environ.get("LAMBDASKY_DATA", str(CONF.parents[1] / "shared" / "data"))
    add("--data", type=Path, default=default, help="folder of the real data sets")
    add("--train", default="crts_csdr1,asas_v", help="surveys to learn from")
    add("--test", required=True, help="survey to score")
    add("--models", default=",".join(MODELS), help="see label_learners.py")
    add("--out", type=Path, required=True, help="folder of the scores and figures")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    taxonomy = read_taxonomy(CONF / "labels.toml")
    warehouse = Warehouse(open_session("cross_survey"), args.warehouse)
    trained_on, models = args.train.split(","), args.models.split(",")
    both = read_labelled(warehouse, args.data, taxonomy, surveys=[*trained_on, args.test])
    warehouse.spark.stop()
    rows = np.flatnonzero(both.data.survey == args.test)
    other = both.take(rows)
    study = open_study(args.test, other, taxonomy, folder=args.out)
    own = {}
    for model in models:
        study.run(model)
        own[model] = study.test_scores(model)
    scores = score_other(both, taxonomy, trained_on=trained_on, models=models)
    table = judge(other, scores, own, rows=rows)
    found = {"train": trained_on, "test": args.test, "stars": int(other.star.max()) + 1,
             "light_curves": len(rows), "labels": table}  # fmt: skip
    (args.out / f"cross_{args.test}.json").write_text(json.dumps(found, indent=1), "utf-8")
    sys.stdout.write(as_text(table, args.test))


if __name__ == "__main__":
    main()

"""Label models against a random forest on published features, and all that docs/results.md shows.

Five folds by star. In each, a tenth of the training stars is the validation part: XGBoost and the
networks stop early there, calibrations and stacks are fitted there. Every figure is of test rows,
scored by models that never saw their star. Average precision is averaged over the labels with at
least 50 examples of either class; intervals are of 1,000 resamples of the stars.

    python benchmarks/label_results.py --warehouse warehouse --survey crts_csdr1 --out results

trains what is not in the folder yet, writes results/SURVEY.json and prints the tables.
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
import pandas as pd
from label_data import read_labelled
from label_folds import BY_LIGHT_CURVE, BY_STAR, Study, open_study
from label_learners import FOREST
from label_markdown import STACK, markdown
from label_tables import (
    agreement_table,
    calibrated,
    calibration_table,
    compare,
    consistency_table,
    group_table,
    precision_table,
    stacked,
    superclass_table,
)
from upsilon_features import read_upsilon_features

from jobs.common.config import CONF
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from models.evaluation.bands import star_scores
from models.taxonomy import read_taxonomy

# The first two models of the list are stacked.
MODELS = ("xgb-shape", "multi3-shape", "xgb-best", "xgb-extended", "xgb-scope")
# Superclasses of UPSILoN that the ASAS catalogue has, and the labels that stand for them.
ASAS_CLASSES = {
    "eclipsing binary": (
        "Contact Systems", "Semidetached", "Detached", "Close Binary Eclipsing Systems",
    ),
    "RR Lyrae": ("RR Lyrae, Fundamental Mode", "RR Lyrae, First Overtone"),
    "delta Scuti": ("Delta Scuti",),
    "long-period variable": ("Mira",),
}  # fmt: skip
ASAS_LABELS = {
    "eclipsing binary": "e", "RR Lyrae": "rrlyr", "delta Scuti": "dscu",
    "long-period variable": "lpv",
}  # fmt: skip
# Columns of the FATS table that are no features.
_NOT_FEATURES = ["ID", "Class", "object_id"]


def published_features(data: Path, survey: str, folder: Path) -> pd.DataFrame | None:
    """Features of the baseline by object_id: FATS for CRTS, UPSILoN for ASAS, else none."""
    if survey == "crts_csdr1":
        table = pd.read_parquet(data / survey / "fats_features.parquet").set_index("object_id")
        return table.drop(columns=_NOT_FEATURES, errors="ignore")
    if survey != "asas_v":
        return None
    stored = folder / "upsilon_features.parquet"
    if not stored.exists():
        folder.mkdir(parents=True, exist_ok=True)
        read_upsilon_features(data, survey).to_parquet(stored)
    return pd.read_parquet(stored)


def results(study: Study, models: Sequence[str], *, resamples: int) -> dict[str, Any]:
    """All figures of a study whose models have been trained."""
    scores = {model: study.test_scores(model) for model in models}
    pair = [model for model in models if model != FOREST][:2]
    if len(pair) == 2:
        scores[STACK] = stacked(study, pair)
    star = study.labelled.star
    if np.bincount(star).max() > 1:
        scores[f"{pair[0]}, star"] = {
            label: star_scores(found, star) for label, found in scores[pair[0]].items()
        }
    found = compare(study, scores, resamples=resamples)
    judged = [model for model in (*pair, STACK) if model in scores]
    labelled = study.labelled
    ours = [model for model in scores if model != FOREST]
    table: dict[str, Any] = {
        "light_curves": len(labelled.star),
        "stars": int(labelled.star.max()) + 1,
        "models": list(found.models),
        "labels": precision_table(study, scores, found),
        "macro": {
            model: {
                "average_precision": float(found.value[j]),
                "interval": found.interval(model),
                "minus": {
                    other: [float(found.value[j] - found.value[k]), *found.interval(model, other)]
                    for k, other in enumerate(found.models)
                    if other != model
                },
            }
            for j, model in enumerate(found.models)
        },
        "calibration": calibration_table(
            study,
            {m: scores[m] for m in ours} | {f"{m}, isotonic": calibrated(study, m) for m in pair},
        ),
        "consistency": {m: consistency_table(study, scores[m]) for m in judged},
        "by median magnitude": group_table(study, scores, labelled.median_mag),
        "by number of epochs": group_table(study, scores, labelled.n_epochs),
    }
    if len(pair) == 2:
        table["agreement"] = agreement_table(study, scores[pair[0]], scores[pair[1]])
    if study.name.startswith("asas_v"):
        table["superclasses"] = {
            model: superclass_table(
                of, labelled.kind, labelled.star, classes=ASAS_CLASSES, labels=ASAS_LABELS
            )
            for model, of in scores.items()
        }
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Train what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add = parser.add_argument
    add("--warehouse", required=True, help="with the features of the surveys")
    default = os.environ.get("LAMBDASKY_DATA", str(CONF.parents[1] / "shared" / "data"))
    add("--data", default=default, help="folder of the real data sets")
    add("--survey", required=True, help="such as crts_csdr1")
    add("--models", default=",".join(MODELS), help="see label_learners.py; the first two of them "
        "are stacked")  # fmt: skip
    add("--split", choices=(BY_STAR, BY_LIGHT_CURVE), default=BY_STAR)
    add("--folds", type=int, default=5)
    add("--resamples", type=int, default=1000)
    add("--out", type=Path, required=True, help="folder of the scores and figures")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    taxonomy = read_taxonomy(CONF / "labels.toml")
    published = published_features(Path(args.data), args.survey, args.out)
    warehouse = Warehouse(open_session("label_results"), args.warehouse)
    labelled = read_labelled(
        warehouse, Path(args.data), taxonomy, surveys=[args.survey], published=published
    )
    warehouse.spark.stop()
    name = args.survey if args.split == BY_STAR else f"{args.survey}_{args.split}"
    study = open_study(
        name, labelled, taxonomy, folder=args.out, n_folds=args.folds, split=args.split
    )
    models = [*args.models.split(","), *([FOREST] if published is not None else [])]
    for model in models:
        study.run(model)
    table = results(study, models, resamples=args.resamples)
    (args.out / f"{name}.json").write_text(json.dumps(table, indent=1), encoding="utf-8")
    sys.stdout.write(markdown(table))


if __name__ == "__main__":
    main()

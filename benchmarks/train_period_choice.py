"""Train the model that chooses periods: conf/period_choice.json.

    python benchmarks/train_period_choice.py --data D [--surveys crts_csdr1 ...] [--output FILE]

Learns from half of the stars, chosen by hash; benchmarks/period_recovery.py measures on the
others. Each candidate frequency of a star is a row, and those within 1% of the published period
are the right ones. Left out of the training (never of the measuring) are stars whose catalogue
doubts the period, and those whose light curve contradicts it: a candidate that is neither it nor
its half or double is more likely by more than e^10, after a penalty for each harmonic.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import xgboost as xgb
from period_stars import (
    SURVEYS,
    TRUSTED_GRADE,
    Star,
    drawn,
    flat,
    held_out,
    in_processes,
    outcome,
    read_stars,
    survey_of,
)

from udfs.periodograms.grid import full_grid
from udfs.periods.candidates import star_statistic, top_maxima
from udfs.periods.curves import star_curves
from udfs.periods.features import candidate_features, penalised
from udfs.periods.pool import candidate_pool
from udfs.ragged import FloatArray, IntArray

CONTRADICTED = 10.0
PARAMETERS = {
    "objective": "rank:ndcg",
    "n_estimators": 300,
    "max_depth": 5,
    "learning_rate": 0.06,
    "subsample": 0.7,
    "colsample_bytree": 0.4,
    "min_child_weight": 3,
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 3,
    "tree_method": "hist",
    "n_jobs": 1,
    "random_state": 0,
}


def grid_maxima(star: Star, baseline_day: float) -> FloatArray:
    """The candidates that the search of a block keeps: K harmonics up to a K-th of the top."""
    settings = survey_of(star.survey).period_search
    curves = star_curves(*flat(star.curves))
    freq = full_grid(baseline_day, settings)
    statistic = star_statistic(curves, freq)
    for k in range(1, statistic.shape[1]):
        statistic[freq > settings.max_freq_per_day / (k + 1), k] = 0.0
    return top_maxima(statistic, freq)


def candidates_of(task: tuple[Star, float]) -> tuple[list[str], FloatArray, IntArray, bool]:
    """Names and values of the columns, the outcome of each candidate, and whether it can teach."""
    star, baseline_day = task
    curves = star_curves(*flat(star.curves))
    pool = candidate_pool(curves, grid_maxima(star, baseline_day))
    columns, gain = candidate_features(curves, pool)
    result = outcome(1 / pool, np.full(pool.size, star.period))
    best = penalised(gain, curves.time.size).max(axis=1)
    related = result < 2
    rival = best[~related].max(initial=-np.inf)
    teaches = bool((result == 0).any()) and best[related].max() > rival - CONTRADICTED
    return list(columns), np.column_stack(list(columns.values())), result, teaches


def chosen_stars(data: Path, name: str) -> list[tuple[Star, float]]:
    """The stars of the half to train on, with the survey's baseline.

    A star of several light curves also comes as one with its longest alone: the choice must
    not depend on the number of bands.
    """
    stars = sorted(read_stars(data, name), key=lambda s: drawn(s.object_id))
    baseline = max(s.span_day for s in stars)
    chosen = []
    for star in stars:
        if not (held_out(star.object_id) or star.grade < TRUSTED_GRADE):
            chosen.append((star, baseline))
            if len(star.curves) > 1:
                chosen.append((star.only(None), baseline))
    return chosen


def as_tables(model: xgb.XGBRanker, names: list[str]) -> dict[str, object]:
    """The trees as one table of nodes; see :class:`udfs.periods.trees.RankingModel`."""
    tables: dict[str, list[float]] = {k: [] for k in ("feature", "value", "left", "right")}
    roots = []
    for text in model.get_booster().get_dump(dump_format="json"):
        roots.append(_add_node(json.loads(text), tables))
    return {"features": names, "roots": roots, **tables}


def _add_node(node: dict[str, object], tables: dict[str, list[float]]) -> int:
    row = len(tables["feature"])
    for table in tables.values():
        table.append(-1)
    if "leaf" in node:
        tables["value"][row] = float(f"{node['leaf']:.6g}")
        return row
    children = {c["nodeid"]: c for c in node["children"]}
    tables["feature"][row] = int(str(node["split"]).removeprefix("f"))
    tables["value"][row] = float(np.float32(node["split_condition"]))
    tables["left"][row] = _add_node(children[node["yes"]], tables)
    tables["right"][row] = _add_node(children[node["no"]], tables)
    return row


def main() -> None:
    """Search, describe, train, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--surveys", nargs="+", default=list(SURVEYS), choices=SURVEYS)
    parser.add_argument("--output", type=Path, default=Path("conf/period_choice.json"))
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    tasks = [t for name in args.surveys for t in chosen_stars(args.data, name)]
    rows = in_processes(candidates_of, tasks, workers=args.workers, title="stars")
    rows = [r for r in rows if r[3]]
    model = xgb.XGBRanker(**PARAMETERS)
    model.fit(
        np.vstack([r[1] for r in rows]).astype(np.float32),
        (np.concatenate([r[2] for r in rows]) == 0).astype(int),
        qid=np.repeat(np.arange(len(rows)), [r[2].size for r in rows]),
    )
    note = f"{len(rows)} of {len(tasks)} stars of {', '.join(args.surveys)}; not the held-out half"
    tables = {"trained_on": note, **as_tables(model, rows[0][0])}
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in tables.items())
    args.output.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()

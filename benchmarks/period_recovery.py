"""How often each algorithm finds the published period, per class, beside astropy's Lomb-Scargle.

    python benchmarks/period_recovery.py --warehouse W --data D crts_csdr1 eros1_lmc sdss_s82_rrl

The features of these surveys must be in the warehouse. astropy sees the same cleaned light curves
and the same frequency grid, and uses the errors.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from astropy.timeseries import LombScargle
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.cli import DEFAULT_WAREHOUSE, open_log
from jobs.common.config import Survey, read_survey
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from udfs.cleaning import CleaningSettings, clean_epochs
from udfs.periodograms.grid import frequency_grid
from udfs.ragged import FloatArray, IntArray
from udfs.schemas import FEATURES, LIGHT_CURVES, PERIOD_ALGORITHMS
from udfs.spark import measure_baselines

OUTCOMES = ("exact", "half or double", "one-day alias", "wrong")
SIDEREAL_PER_DAY = 1.0027379
log = logging.getLogger("jobs.period_recovery")


def outcome(found_day: FloatArray, true_day: FloatArray) -> IntArray:
    """Index into OUTCOMES of each period.

    Within 1% of the published one, of its half or double, of an alias of the true or the double
    frequency at one cycle per solar or sidereal day, or of none of these.
    """
    ratio = found_day / true_day
    freq, true = 1 / found_day, 1 / true_day
    exact = np.abs(ratio - 1) < 0.01
    harmonic = (np.abs(2 * ratio - 1) < 0.01) | (np.abs(ratio / 2 - 1) < 0.01)
    alias = np.zeros(len(ratio), dtype=bool)
    for day in (1.0, SIDEREAL_PER_DAY):
        for shifted in (true + day, np.abs(true - day), 2 * true + day, np.abs(2 * true - day)):
            alias |= np.abs(freq / shifted - 1) < 0.01
    return np.select([exact, harmonic, alias], [0, 1, 2], default=3)


def chosen_stars(
    warehouse: Warehouse, survey: Survey, objects: pd.DataFrame, per_class: int
) -> pd.DataFrame:
    """Features of up to ``per_class`` stars a class, chosen by hash, with the published period."""
    known = objects.dropna(subset=["period"])
    known = known[known["period"] > 0]
    features = warehouse.read(FEATURES).where(F.col("survey") == survey.name)
    columns = ["source_id", "object_id", "field", "ccd", "quad", "filter"]
    columns += [f"period_{a}" for a in PERIOD_ALGORITHMS]
    rows = features.select(*columns).toPandas()
    rows = rows.merge(known[["object_id", "class", "period"]], on="object_id")
    order = pd.util.hash_pandas_object(rows["object_id"], index=False)
    ranked = rows.assign(order=order).sort_values(["class", "order", "filter"])
    first = ranked.drop_duplicates("object_id").groupby("class").head(per_class)
    return ranked[ranked["object_id"].isin(first["object_id"])].drop(columns="order")


def astropy_periods(
    warehouse: Warehouse, survey: Survey, stars: pd.DataFrame, workers: int
) -> pd.Series:
    """Best period of astropy's Lomb-Scargle [day], by source_id."""
    curves = warehouse.read(LIGHT_CURVES).where(F.col("survey") == survey.name)
    baselines = _baselines(curves, survey)
    chosen = curves.where(F.col("source_id").isin(stars["source_id"].tolist()))
    rows = chosen.select(
        "source_id", "field", "ccd", "quad", "hmjd", "mag", "magerr", "catflags"
    ).toPandas()
    tasks = [
        (np.array(r.hmjd), np.array(r.mag, float), np.array(r.magerr, float),
         np.array(r.catflags), baselines[r.field, r.ccd, r.quad], survey)
        for r in rows.itertuples()
    ]  # fmt: skip
    # Not fork: the threads that talk to the JVM may hold locks.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        periods = list(pool.map(_astropy_period, tasks, chunksize=4))
    return pd.Series(periods, index=rows["source_id"])


def _baselines(curves: DataFrame, survey: Survey) -> dict[tuple[int, int, int], float]:
    settings = survey.feature_settings("fixed", "cpu")
    measured = measure_baselines(curves, settings).where(F.col("n_clean") >= settings.min_epochs)
    rows = measured.groupBy("field", "ccd", "quad").agg(F.max("span_day")).collect()
    return {(r[0], r[1], r[2]): r[3] for r in rows}


def _astropy_period(task: tuple[Any, ...]) -> float:
    hmjd, mag, magerr, catflags, baseline_day, survey = task
    settings = CleaningSettings(survey.cleaning.min_gap_minutes, survey.cleaning.max_hmjd)
    t, m, e, _ = clean_epochs(
        hmjd, mag, magerr, catflags, np.array([0, len(hmjd)]), settings=settings
    )
    search = survey.period_search
    step = 1 / (search.samples_per_peak * baseline_day)
    size = int(np.ceil((search.max_freq_per_day - 2 / baseline_day) / step))
    even = 2 / baseline_day + step * np.arange(size)
    # astropy 8 takes seconds for such a grid by default; this is Press and Rybicki (1989).
    power = LombScargle(t, m, e).power(
        even,
        method="fast",
        assume_regular_frequency=True,
        method_kwds={"algorithm": "fasper"},
    )
    kept = np.isin(even, frequency_grid(baseline_day, search))
    return float(1 / even[kept][np.argmax(power[kept])])


def table_of(stars: pd.DataFrame, algorithms: Sequence[str]) -> pd.DataFrame:
    """Share of each outcome per class and algorithm [%], and the number of light curves."""
    lines = []
    for name, rows in [*stars.groupby("class"), ("all", stars)]:
        for algorithm in algorithms:
            found = outcome(rows[f"period_{algorithm}"].to_numpy(), rows["period"].to_numpy())
            shares = 100 * np.bincount(found, minlength=4) / len(rows)
            lines.append((name, len(rows), algorithm, *shares.round(1)))
    return pd.DataFrame(lines, columns=["class", "curves", "algorithm", *OUTCOMES])


def main() -> None:
    """Print one table per survey."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("surveys", nargs="+")
    parser.add_argument("--warehouse", default=str(DEFAULT_WAREHOUSE))
    parser.add_argument("--data", required=True, help="folder with SURVEY/objects.parquet")
    parser.add_argument("--per-class", type=int, default=60, help="stars a class (default 60)")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    open_log()
    warehouse = Warehouse(open_session("period_recovery"), args.warehouse)
    for name in args.surveys:
        survey = read_survey(name)
        objects = pd.read_parquet(f"{args.data}/{name}/objects.parquet")
        stars = chosen_stars(warehouse, survey, objects, args.per_class)
        found = astropy_periods(warehouse, survey, stars, args.workers)
        stars["period_astropy LS"] = found.reindex(stars["source_id"]).to_numpy()
        table = table_of(stars, [*PERIOD_ALGORITHMS, "astropy LS"])
        sys.stdout.write(f"\n{survey.title}: found periods [%]\n{table.to_string(index=False)}\n")


if __name__ == "__main__":
    main()

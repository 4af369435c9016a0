"""Periods of mostly constant stars, before and after: what piles up at the ends of the grid.

    python benchmarks/period_histograms.py --data D [--output periods.svg]

Light curves of ZTF field 250 (data release 5) with enough clean epochs. Prints the share
of periods near the ends of the grid and near the day for each algorithm, and writes histograms.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from period_plots import plot_histograms

from jobs.common.config import read_survey
from udfs.cleaning import clean_epochs
from udfs.modes import FIXED, SCOPE
from udfs.periodograms.grid import full_grid
from udfs.periodograms.search import search_periods
from udfs.periods.choice import choose_periods
from udfs.periods.trees import read_ranking_model
from udfs.ragged import FloatArray

CONSTANT_BELOW = 1e-3
FILE = "ztf_dr5_field/ztf_000250_zg_c01_q1_dr5.parquet"
CLASSIC = ("ELS", "ECE", "EAOV", f"nested ({SCOPE})")


def periods_of(rows: pd.DataFrame, model: Path) -> pd.DataFrame:
    """Period of each usable light curve of one file by each algorithm [day]."""
    survey = read_survey("ztf")
    settings = survey.period_search
    flat = {c: np.concatenate(rows[c].to_numpy()) for c in ("hmjd", "mag", "magerr", "catflags")}
    offsets = np.cumsum([0, *rows["hmjd"].map(len)]).astype(np.int64)
    t, m, e, bounds = clean_epochs(
        flat["hmjd"].astype(np.float64), flat["mag"], flat["magerr"],
        flat["catflags"].astype(np.int64), offsets,
        settings=survey.feature_settings(FIXED, "cpu").cleaning,
    )  # fmt: skip
    usable = np.flatnonzero(np.diff(bounds) >= survey.cleaning.min_epochs)
    inside = np.repeat(np.isin(np.arange(len(rows)), usable), np.diff(bounds))
    t, m, e = t[inside], m[inside], e[inside]
    offsets = np.cumsum([0, *np.diff(bounds)[usable]]).astype(np.int64)
    spans = [np.ptp(t[a:b]) for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    n = usable.size
    found = search_periods(
        t, m, e, offsets, full_grid(float(max(spans)), settings),
        band=rows["filterid"].to_numpy(np.int64)[usable], star=np.arange(n),
        settings=settings, mode=FIXED, backend="cpu",
    )  # fmt: skip
    choice = choose_periods(
        t, m, e, offsets, np.arange(n + 1), found.candidates, others=found.period[:, :3],
        max_freq=settings.max_freq_per_day, model=read_ranking_model(model),
    )  # fmt: skip
    columns = dict(zip(CLASSIC, found.period.T, strict=True))
    return pd.DataFrame(
        columns | {FIXED: choice.period, "fap": choice.false_alarm_probability,
                   "longest": np.full(n, max(spans) / 2)}
    )  # fmt: skip


def line_of(
    name: str, period: FloatArray, longest: FloatArray, shortest: float
) -> dict[str, object]:
    """Shares of the periods near the ends of the grid and near fractions of the day [%]."""
    freq = 1 / period
    near_day = np.abs(freq - np.round(freq)) < 0.01
    return {
        "algorithm": name,
        "light curves": period.size,
        "below 1.05 of the shortest": round(100 * float(np.mean(period < 1.05 * shortest)), 2),
        "below 0.05 day": round(100 * float(np.mean(period < 0.05)), 2),
        "above half the longest": round(100 * float(np.mean(period > 0.5 * longest)), 2),
        "within 0.01 of n per day": round(100 * float(np.mean(near_day & (freq > 0.5))), 2),
    }


def main() -> None:
    """Search, print, plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("conf/period_choice.json"))
    parser.add_argument("--output", type=Path, default=Path("period_histograms.svg"))
    args = parser.parse_args()
    rows = periods_of(pd.read_parquet(args.data / FILE), args.model)
    shortest = 1 / read_survey("ztf").period_search.max_freq_per_day
    columns = {name: rows[name].to_numpy() for name in (*CLASSIC, FIXED)}
    longest = rows["longest"].to_numpy()
    lines = [line_of(name, period, longest, shortest) for name, period in columns.items()]
    likely = rows["fap"].to_numpy() < CONSTANT_BELOW
    name = f"{FIXED}, false alarm below {CONSTANT_BELOW}"
    columns[name] = rows[FIXED].to_numpy()[likely]
    lines.append(line_of(name, columns[name], longest[likely], shortest))
    sys.stdout.write(pd.DataFrame(lines).to_string(index=False) + "\n")
    edges = np.geomspace(shortest, longest.max(), 80)
    plot_histograms(args.output, columns, edges_day=edges)


if __name__ == "__main__":
    main()

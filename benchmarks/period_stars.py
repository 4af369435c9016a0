"""Stars with published periods, for the period benchmarks and the training of the choice."""

import hashlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from jobs.common.config import Survey, read_survey
from udfs.cleaning import CleaningSettings, clean_epochs
from udfs.ragged import FloatArray, IntArray

SURVEYS = ("sdss_s82_rrl", "crts_csdr1", "eros1_lmc", "ztf_irsa_eclipsing")
OUTCOMES = ("exact", "half or double", "one-day alias", "other")
SIDEREAL_PER_DAY = 1.0027379
# Periods that a catalogue grades lower than this are not taken for the truth.
TRUSTED_GRADE = 2
_WITHIN = 0.01
_ZTF_HJD_TO_HMJD = -2_400_000.5

Curve = tuple[FloatArray, FloatArray, FloatArray]
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Star:
    """A star with its cleaned light curves (time, mag, magerr) and their bands.

    ``grade`` is what its catalogue says of the period, 0 (worst) to 3; NaN where it says nothing.
    """

    object_id: str
    survey: str
    kind: str
    period: float
    grade: float
    curves: tuple[Curve, ...]
    bands: tuple[str, ...]

    @property
    def span_day(self) -> float:
        """Longest time span of its light curves."""
        return max(float(t[-1] - t[0]) for t, _, _ in self.curves)

    def only(self, band: str | None) -> "Star":
        """The star with its longest light curve, of the band if one is given."""
        chosen = [i for i, b in enumerate(self.bands) if band is None or b == band]
        best = max(chosen, key=lambda i: self.curves[i][0].size, default=0)
        return replace(self, curves=(self.curves[best],), bands=(self.bands[best],))


def drawn(object_id: str, purpose: str = "order") -> int:
    """A number that a star draws by its name, the same every time: 0 to 2^32 - 1."""
    return int(hashlib.sha1(f"{purpose}{object_id}".encode()).hexdigest()[:8], 16)


def held_out(object_id: str) -> bool:
    """Whether a star belongs to the half that nothing was trained or tuned on."""
    return drawn(object_id, "half") >= 2**31


def survey_of(name: str) -> Survey:
    """The settings of a data set's survey."""
    return read_survey("ztf" if name == "ztf_irsa_eclipsing" else name)


def read_stars(data: Path, name: str) -> list[Star]:
    """All stars of a data set that have a published period and a light curve long enough."""
    survey = survey_of(name)
    objects = pd.read_parquet(data / name / "objects.parquet").rename(
        columns={"stem": "object_id", "type": "class"}
    )
    known = objects[objects["period"] > 0].set_index("object_id")
    grades = known.get("quality", pd.Series(np.nan, known.index))
    curves: dict[str, list[tuple[str, Curve]]] = {}
    for object_id, band, raw in _raw_curves(data, name):
        if object_id in known.index:
            curve = _cleaned(*raw, survey=survey)
            if curve[0].size >= survey.cleaning.min_epochs:
                curves.setdefault(object_id, []).append((band, curve))
    return [
        Star(key, name, str(known.at[key, "class"]), float(known.at[key, "period"]),
             float(grades[key]), tuple(c for _, c in found), tuple(b for b, _ in found))
        for key, found in sorted(curves.items())
    ]  # fmt: skip


def _raw_curves(data: Path, name: str) -> Iterator[tuple[str, str, tuple[FloatArray, ...]]]:
    if name == "ztf_irsa_eclipsing":
        epochs = pd.read_parquet(data / name / "ztf_irsa_rows.parquet")
        for (stem, band, _), g in epochs.groupby(["stem", "filtercode", "oid"]):
            hmjd = g["hjd"].to_numpy() + _ZTF_HJD_TO_HMJD
            values = (g[c].to_numpy() for c in ("mag", "magerr", "catflags"))
            yield str(stem), str(band), (hmjd, *values)
        return
    rows = pd.read_parquet(data / name / "lightcurves.parquet")
    for row in rows.itertuples():
        flags = np.zeros(len(row.time), np.int64)
        values = (np.asarray(v, np.float64) for v in (row.time, row.mag, row.magerr))
        yield row.object_id, row.band, (*values, flags)


def _cleaned(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, flags: IntArray, *, survey: Survey
) -> Curve:
    bounds = survey.ingest
    inside = (time >= bounds.min_hmjd) & (time <= bounds.max_hmjd)
    inside &= (mag >= bounds.min_mag) & (mag <= bounds.max_mag)
    cleaning = CleaningSettings(survey.cleaning.min_gap_minutes, survey.cleaning.max_hmjd)
    t, m, e, _ = clean_epochs(
        time[inside], mag[inside], magerr[inside], flags[inside],
        np.array([0, inside.sum()]), settings=cleaning,
    )  # fmt: skip
    return t, m, e


def flat(curves: Sequence[Curve]) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Time, mag and magerr one after another, and the offsets."""
    t, m, e = (np.concatenate([c[k] for c in curves]) for k in range(3))
    return t, m, e, np.cumsum([0, *(c[0].size for c in curves)]).astype(np.int64)


def outcome(found_day: FloatArray, true_day: FloatArray) -> IntArray:
    """Index into OUTCOMES of each period.

    Within 1% of the published one, of its half or double, of an alias of the true or the double
    frequency at one cycle per solar or sidereal day, or of none of these.
    """
    ratio = found_day / true_day
    freq, true = 1 / found_day, 1 / true_day
    exact = np.abs(ratio - 1) < _WITHIN
    harmonic = (np.abs(2 * ratio - 1) < _WITHIN) | (np.abs(ratio / 2 - 1) < _WITHIN)
    alias = np.zeros(np.shape(ratio), dtype=bool)
    for day in (1.0, SIDEREAL_PER_DAY):
        for shifted in (true + day, np.abs(true - day), 2 * true + day, np.abs(2 * true - day)):
            alias |= np.abs(freq / shifted - 1) < _WITHIN
    return np.asarray(np.select([exact, harmonic, alias], [0, 1, 2], default=3))


def in_processes(
    task: Callable[[Task], Result], items: Sequence[Task], *, workers: int, title: str
) -> list[Result]:
    """Results in the order of the items, with a progress line."""
    results, began = [], time.monotonic()
    # Spawned: a fork would share what libraries hold in threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for result in pool.map(task, items, chunksize=2):
            results.append(result)
            left = (time.monotonic() - began) * (len(items) / len(results) - 1)
            done = f"\r{title}: {len(results)} of {len(items)}, {math.ceil(left)} s to go   "
            sys.stderr.write(done)
    sys.stderr.write("\n")
    return results

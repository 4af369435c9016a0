"""What Spark adds to the kernels: ``python benchmarks/spark_overhead.py``, on one core.

The same light curves of one quadrant, the full grid of ZTF: the feature code called from plain
Python, then the job compute_features on a Delta table (read, shuffle into blocks, compute, write).
"""

import argparse
import sys
import tempfile
import time as clock
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from periodograms import Sky, quadrant, say

from jobs import compute_features, ingest_light_curves
from jobs.common.config import read_survey
from jobs.common.session import open_session
from udfs.light_curve_features import cleaned_baseline, light_curve_features

SPARK = ["spark.master=local[1]", "spark.sql.shuffle.partitions=2"]


def write_bulk(sky: Sky, path: Path) -> None:
    """The light curves as a bulk file of a ZTF data release."""
    rng = np.random.default_rng(0)
    curves = [slice(a, b) for a, b in zip(sky.offsets, sky.offsets[1:], strict=False)]
    table = pd.DataFrame(
        {
            "objectid": np.arange(sky.sources) + 1,
            "filterid": 1,
            "fieldid": 487,
            "rcid": 0,
            "objra": rng.uniform(10.0, 10.8, sky.sources),
            "objdec": rng.uniform(20.0, 20.8, sky.sources),
            "hmjd": [sky.time[c] for c in curves],
            "mag": [sky.mag[c] for c in curves],
            "magerr": [sky.magerr[c] for c in curves],
            "catflags": [np.zeros(c.stop - c.start, np.int32) for c in curves],
        }
    )
    table.to_parquet(path)


def plain_seconds(sky: Sky) -> float:
    """The feature code on arrays, as the job's own tasks call it."""
    settings = read_survey("ztf").feature_settings("fixed", "cpu")
    flags = np.zeros(sky.time.size, np.int64)
    number = np.arange(sky.sources)
    arrays = (sky.time, sky.mag, sky.magerr, flags, sky.offsets)
    start = clock.perf_counter()
    _, span_day = cleaned_baseline(*arrays, settings=settings)
    light_curve_features(
        *arrays, band=np.ones_like(number), star=number,
        baseline_day=span_day.max(), settings=settings,
    )  # fmt: skip
    return clock.perf_counter() - start


def job_seconds(root: Path) -> float:
    """The job, without the start of Spark."""
    start = clock.perf_counter()
    compute_features.main(["--warehouse", str(root), "--survey", "ztf", "--force"])
    return clock.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> None:
    """Time both, after a small quadrant to compile the kernels, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=1024, help="two full blocks by default")
    sources = parser.parse_args(argv).sources
    open_session("spark_overhead", SPARK)
    for size in (64, sources):
        sky = quadrant(size, 500)
        with tempfile.TemporaryDirectory() as folder:
            root, file = Path(folder) / "warehouse", Path(folder) / "bulk.parquet"
            write_bulk(sky, file)
            ingest_light_curves.main(
                ["--warehouse", str(root), "--survey", "ztf", "--input", str(file)]
            )
            plain, job = plain_seconds(sky), job_seconds(root)
    say(f"sources={sources} plain_s={plain:.1f} job_s={job:.1f} job/plain={job / plain:.3f}")


if __name__ == "__main__":
    sys.exit(main())

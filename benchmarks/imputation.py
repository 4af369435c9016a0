"""Gaps filled from neighbours: ``python benchmarks/imputation.py``, one process, one thread.

100,000 light curves with the 13 catalogue columns of which SCoPe fills the gaps, against 10,000
reference rows: scikit-learn's KNNImputer, as SCoPe calls it, and the compiled search. As
SCoPe's own 2 to 3 minutes per 100,000 rows are against a reference as large as the batch, a
larger reference is timed as well, of scikit-learn on a sample of the rows.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from periodograms import say
from scoring_models import catalogue_rows
from sklearn.impute import KNNImputer

from models.neighbours import Neighbours

COUNT = 5


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and its seconds."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def compare(rows: int, references: int, *, sampled: int) -> None:
    """Both on the same rows, scikit-learn on the first ``sampled`` of them."""
    rng = np.random.default_rng(1)
    known, new = catalogue_rows(references, rng), catalogue_rows(rows, rng)
    neighbours = Neighbours(known, COUNT)
    # Compiles, and sorts the references; a set of models does this once per process.
    _, first = timed(lambda: neighbours.fill(new[:1000]))
    ours, ours_s = timed(lambda: neighbours.fill(new))
    imputer = KNNImputer(n_neighbors=COUNT).fit(known)
    theirs, theirs_s = timed(lambda: imputer.transform(new[:sampled]))
    theirs_s *= rows / sampled
    apart = np.abs(ours[:sampled] - theirs)
    gaps = np.isnan(new[:sampled])
    say(f"{rows:,} rows, {100 * np.isnan(new).any(axis=1).mean():.0f} % with gaps, {references:,} "
        f"references: scikit-learn {theirs_s:.1f} s, compiled {ours_s:.2f} s (first 1,000 rows "
        f"{first:.2f} s), {theirs_s / ours_s:.0f} times as fast; of {gaps.sum():,} values compared "
        f"{np.count_nonzero(apart > 1e-9):,} differ by more than 1e-9")  # fmt: skip


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    args = parser.parse_args()
    compare(args.rows, 10_000, sampled=args.rows)
    compare(args.rows, 100_000, sampled=args.rows // 50)


if __name__ == "__main__":
    sys.exit(main())

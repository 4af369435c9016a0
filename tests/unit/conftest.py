from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from udfs.ragged import from_arrow


@dataclass(frozen=True)
class Curves:
    """Light curves, flat, with what is known of each."""

    time: np.ndarray
    mag: np.ndarray
    magerr: np.ndarray
    offsets: np.ndarray

    def one(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = slice(self.offsets[i], self.offsets[i + 1])
        return self.time[part], self.mag[part], self.magerr[part]


def read_curves(table) -> Curves:
    time, offsets = from_arrow(table["time"], name="time")
    mag, _ = from_arrow(table["mag"], name="mag")
    magerr, _ = from_arrow(table["magerr"], name="magerr")
    return Curves(time, mag, magerr, offsets)


@pytest.fixture(scope="session")
def oracle_curves(oracle_dir: Path) -> Curves:
    """The 380 cleaned real curves, in the order of the tables of features and dmdt."""
    return read_curves(pq.read_table(oracle_dir / "curves.parquet"))


@pytest.fixture(scope="session")
def oracle_periodograms(oracle_dir: Path) -> list[dict]:
    """The 38 curves that have periodograms and periods, everything of a curve in one dict."""
    key = ["dataset", "object_id", "band"]
    tables = [
        pq.read_table(oracle_dir / f"{name}.parquet").to_pandas().set_index(key)
        for name in ("periodograms", "periods", "curves")
    ]
    joined = (
        tables[0]
        .join(tables[1].drop(columns="period_day"))
        .join(tables[2].drop(columns="period_day"))
    )
    return joined.reset_index().to_dict("records")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240412)


@pytest.fixture
def make_curves(rng):
    """Random light curves of the given lengths, as read-only as Arrow hands them over."""

    def make(*sizes: int) -> Curves:
        total = sum(sizes)
        offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        time = np.concatenate([np.sort(rng.uniform(58000, 59700, n)) for n in sizes] or [[]])
        magerr = rng.uniform(0.01, 0.05, total)
        mag = 17 + 0.3 * np.sin(2 * np.pi * time / 0.71234) + rng.normal(0, 0.05, total)
        for array in (time, mag, magerr, offsets):
            array.flags.writeable = False
        return Curves(time, mag, magerr, offsets)

    return make

"""The 25 numbers of an alert that ACAI's networks read beside its images."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# In the order of the networks' input (release 20201130).
FEATURES = (
    "drb", "diffmaglim", "ra", "dec", "magpsf", "sigmapsf", "chipsf", "fwhm", "sky", "chinr",
    "sharpnr", "sgscore1", "distpsnr1", "sgscore2", "distpsnr2", "sgscore3", "distpsnr3",
    "ndethist", "ncovhist", "scorr", "nmtchps", "clrcoeff", "clrcounc", "neargaia",
    "neargaiabright",
)  # fmt: skip
DRB = "drb"

Numbers = NDArray[np.float64]


def feature_matrix(
    columns: Mapping[str, Numbers], *, instead_of_drb: Numbers | None = None
) -> NDArray[np.float32]:
    """The features of n alerts as their packets give them, (n, 25) float32, NaN for a gap.

    A row with a gap gets no score: the networks have seen no alert without these numbers, and their
    sentinels (-999) are values, not gaps.

    Parameters
    ----------
    columns : feature -> (n,) float64
        NaN where the packet says null.
    instead_of_drb : (n,) float64, optional
        Fills the gaps of ``drb``, which packets before 2019 lack: the score of braai, as ACAI's
        training did, or the older ``rb``, as the production of Kowalski does. Without it such
        alerts keep their gap.
    """
    matrix = np.column_stack([columns[name] for name in FEATURES])
    if instead_of_drb is not None:
        gaps = np.isnan(matrix[:, 0])
        matrix[gaps, 0] = instead_of_drb[gaps]
    # A number beyond float32 is as good as none.
    matrix[~(np.abs(matrix) <= np.finfo(np.float32).max)] = np.nan
    return matrix.astype(np.float32)


def complete(matrix: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Rows without a gap, (n,) bool."""
    filled: NDArray[np.bool_] = np.isfinite(matrix).all(axis=1)
    return filled

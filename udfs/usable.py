"""Which cleaned light curves get features, and why the others do not."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from udfs.checks.reasons import BASELINE_TOO_LONG, TOO_FEW_EPOCHS
from udfs.ragged import FloatArray, IntArray

OK = "ok"


def spans(time: FloatArray, offsets: IntArray) -> FloatArray:
    """Last minus first time [days] of each light curve, (n_lc,) float64; 0 for an empty one.

    Parameters
    ----------
    time : (n_obs,) float64, days
        In order of time within a curve.
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    """
    span_day = np.zeros(offsets.size - 1)
    filled = np.diff(offsets) > 0
    span_day[filled] = time[offsets[1:][filled] - 1] - time[offsets[:-1][filled]]
    return span_day


@dataclass(frozen=True)
class UsableSettings:
    """What a cleaned light curve must be to get features.

    Attributes
    ----------
    min_epochs : int
        Fewest clean epochs.
    max_baseline_day : float, days
        Longest time span.
    """

    min_epochs: int
    max_baseline_day: float

    def status(self, n_clean: IntArray, span_day: FloatArray) -> npt.NDArray[np.str_]:
        """Of each light curve "ok", or the name of the first reason why it gets no features.

        Parameters
        ----------
        n_clean : (n_lc,) int64
        span_day : (n_lc,) float64
        """
        status = np.where(span_day > self.max_baseline_day, BASELINE_TOO_LONG.name, OK)
        return np.where(n_clean < self.min_epochs, TOO_FEW_EPOCHS.name, status)

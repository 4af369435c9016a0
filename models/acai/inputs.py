"""The 25 numbers of alerts as the networks want them: raw or standardised."""

import numpy as np
from numpy.typing import NDArray

from models.scaling import MEDIAN_STD, Scaler, fit_scaler
from udfs.errors import ContractError

# What the published networks were trained on. Their paper speaks of normalised features, but the
# released code looks the norms up by value instead of by name and so divides by 1.
ACAI_2020 = "acai-2020"
FIXED = "fixed"
MODES = (ACAI_2020, FIXED)
# ZTF's value for "no such source", which would drown the spread of the others.
SENTINEL = -999.0
# In standard deviations; chi-squares and distances have long tails.
_LIMIT = 10.0

Matrix = NDArray[np.float32]


def fit_inputs(features: Matrix, mode: str) -> Scaler | None:
    """The scaler for a training part, (n, 25); None for raw numbers.

    Raises
    ------
    ContractError
        If there is no such mode.
    """
    if mode not in MODES:
        raise ContractError(f"mode {mode!r}: expected one of {', '.join(MODES)}")
    if mode == ACAI_2020:
        return None
    return fit_scaler(_without_sentinels(features), MEDIAN_STD, limit=_LIMIT)


def network_inputs(features: Matrix, scaler: Scaler | None) -> Matrix:
    """A copy of (n, 25) for the networks, as :func:`fit_inputs` decided.

    Standardised, a sentinel becomes the median of the training part, so 0.
    """
    if scaler is None:
        return features.astype(np.float32)
    return scaler.transform(_without_sentinels(features))


def _without_sentinels(features: Matrix) -> NDArray[np.float64]:
    values = features.astype(np.float64)
    values[values == SENTINEL] = np.nan
    return values

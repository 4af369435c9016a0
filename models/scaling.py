"""Bringing features to a common scale, with statistics of the training part."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from udfs.errors import ContractError

MIN_MAX, MEDIAN_STD, RANK = "min_max", "median_std", "rank"
HOW = (MIN_MAX, MEDIAN_STD, RANK)
# Quantiles that a feature's ranks are read from, and the ranks at which they end.
_QUANTILES, _LOWEST_RANK = 256, 1e-3


@dataclass(frozen=True)
class Scaler:
    """``(x - offset) / scale`` per feature, after its quantiles have been mapped if there are any.

    SCoPe takes the statistics from all rows, those of the test part included. Here they come from
    the training part and are stored with the model.

    Attributes
    ----------
    offset, scale : (n_features,) float64
    limit
        Scaled values are held within +-limit: a value a thousand times beyond the training part
        would drown all others. Infinite: no limit, as SCoPe.
    quantiles : (n_features, 256) float64, or empty
        Values of the training part at evenly spaced ranks.
    """

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]
    limit: float = np.inf
    quantiles: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    def transform(self, matrix: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """A scaled copy of (n, n_features); NaN (a feature that no training row has) becomes 0."""
        mapped = self._ranked(matrix) if self.quantiles.size else matrix
        scaled = np.subtract(mapped, self.offset, dtype=np.float64)
        scaled /= self.scale
        np.clip(scaled, -self.limit, self.limit, out=scaled)
        return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    def _ranked(self, matrix: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Each value as the deviate of a normal distribution with the same rank."""
        ranks = np.linspace(_LOWEST_RANK, 1.0 - _LOWEST_RANK, _QUANTILES)
        ranked = np.zeros(matrix.shape)
        for i, quantiles in enumerate(self.quantiles):
            # A value that many rows share stands for the mean of their ranks.
            values, which = np.unique(quantiles, return_inverse=True)
            shared = ndtri(np.bincount(which, ranks) / np.bincount(which))
            ranked[:, i] = np.interp(matrix[:, i], values, shared)
        return ranked

    def to_bytes(self) -> bytes:
        """The scaler as a file; equal scalers give equal bytes."""
        buffer = io.BytesIO()
        np.savez(buffer, offset=self.offset, scale=self.scale, limit=np.array(self.limit),
                 quantiles=self.quantiles)  # fmt: skip
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Scaler":
        """The scaler that ``to_bytes`` wrote; ContractError for anything else."""
        with np.load(io.BytesIO(content)) as stored:
            missing = {"offset", "scale", "limit", "quantiles"} - set(stored.files)
            if missing:
                raise ContractError(
                    f"the stored scaler lacks {', '.join(sorted(missing))}: train the models again"
                )
            return cls(
                stored["offset"], stored["scale"], float(stored["limit"]), stored["quantiles"]
            )


def fit_scaler(
    matrix: NDArray[np.floating[Any]], how: str = MIN_MAX, *, limit: float = np.inf
) -> Scaler:
    """The scaler of a training part, (n, n_features).

    ``min_max`` maps the range of a feature to [0, 1], ``median_std`` its median to 0 and its
    standard deviation to 1. A feature with one value only stays as it is, and so does one without
    any. ``rank`` maps a feature to the normal deviate of its rank: chi-squares of a million and
    skewnesses of one then weigh the same, and nothing lies far out.
    """
    if how not in HOW:
        raise ContractError(f"scaling {how!r}: expected one of {', '.join(HOW)}")
    values = np.asarray(matrix, dtype=np.float64)
    known = np.isfinite(values).any(axis=0)
    if how == RANK:
        spaced = np.linspace(0.0, 1.0, _QUANTILES)
        quantiles = np.full((values.shape[1], _QUANTILES), np.nan)
        for i in np.flatnonzero(known):
            quantiles[i] = np.quantile(values[np.isfinite(values[:, i]), i], spaced)
        return Scaler(np.zeros(len(known)), np.ones(len(known)), limit, quantiles)
    offset, scale = np.zeros(values.shape[1]), np.ones(values.shape[1])
    some = np.where(np.isfinite(values[:, known]), values[:, known], np.nan)
    if how == MIN_MAX:
        offset[known] = np.nanmin(some, axis=0)
        scale[known] = np.nanmax(some, axis=0) - offset[known]
    else:
        offset[known] = np.nanmedian(some, axis=0)
        scale[known] = np.nanstd(some, axis=0)
    constant = ~(scale > 0)
    offset[constant], scale[constant] = 0.0, 1.0
    return Scaler(offset, scale, limit)

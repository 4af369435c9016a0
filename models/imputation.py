"""Filling gaps in the features, once and for all: fitted on the training part, then stored."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.feature_sets import MEDIAN, REGRESS, REQUIRED, ZERO, FeatureSets
from models.neighbours import Neighbours

FloatMatrix = NDArray[np.float64]
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Imputer:
    """What is needed to fill the gaps of any row in the same way.

    Filling with statistics of the batch at hand, as SCoPe does at inference, makes a score depend
    on which other stars were scored with it. Here the statistics are those of the training part.

    Attributes
    ----------
    features
        The columns of the matrices, in order.
    constants
        Feature -> value that fills its gaps (zero or the median of the training part).
    regressed
        Features whose gaps are filled by the mean of the nearest neighbours.
    references : (n, n_regressed) float64
        The neighbours: the training part in those features.
    neighbours
        How many of them.
    required
        Features that are never filled; a row with a gap there is not used.
    empty
        Features without a single value in the training part. They stay NaN, which XGBoost takes
        as missing and never splits on.
    """

    features: tuple[str, ...]
    constants: dict[str, float]
    regressed: tuple[str, ...]
    references: FloatMatrix
    neighbours: int
    required: tuple[str, ...]
    empty: tuple[str, ...]

    def transform(self, matrix: FloatMatrix) -> NDArray[np.float32]:
        """A copy of (n, n_features) with its gaps filled; required and empty features keep theirs.

        Values that are infinite, or beyond the range of float32 (XGBoost's precision), count as
        gaps.
        """
        filled = _finite(matrix)
        for name, value in self.constants.items():
            column = filled[:, self._at[name]]
            column[np.isnan(column)] = value
        for name in self.empty:
            filled[:, self._at[name]] = np.nan
        if self.regressed:
            columns = np.array([self._at[name] for name in self.regressed])
            filled[:, columns] = self._regression.fill(filled[:, columns])
        return filled.astype(np.float32)

    def complete(self, matrix: NDArray[np.float32], features: Sequence[str]) -> NDArray[np.bool_]:
        """Rows with a value in all those of ``features`` that are required, (n,) bool."""
        columns = [self._at[name] for name in features if name in self.required]
        complete: NDArray[np.bool_] = np.isfinite(matrix[:, columns]).all(axis=1)
        return complete

    def to_bytes(self) -> bytes:
        """The imputer as a file; equal imputers give equal bytes."""
        described = {
            "features": self.features,
            "constants": self.constants,
            "regressed": self.regressed,
            "neighbours": self.neighbours,
            "required": self.required,
            "empty": self.empty,
        }
        buffer = io.BytesIO()
        np.savez(buffer, description=json.dumps(described), references=self.references)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Imputer":
        """The imputer that ``to_bytes`` wrote."""
        with np.load(io.BytesIO(content)) as stored:
            described = json.loads(str(stored["description"]))
            references = stored["references"]
        return cls(
            features=tuple(described["features"]),
            constants=described["constants"],
            regressed=tuple(described["regressed"]),
            references=references,
            neighbours=described["neighbours"],
            required=tuple(described["required"]),
            empty=tuple(described["empty"]),
        )

    @cached_property
    def _at(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.features)}

    @cached_property
    def _regression(self) -> Neighbours:
        return Neighbours(self.references, self.neighbours)


def fit_imputer(matrix: FloatMatrix, sets: FeatureSets) -> Imputer:
    """The imputer for the ontological features, from the rows of the training part.

    Parameters
    ----------
    matrix : (n, n_features) float64
        Columns as ``sets.ontological``; NaN for a gap.
    sets : FeatureSets
        Says how each feature is filled.
    """
    values = _finite(matrix)
    features = sets.ontological
    empty = tuple(
        name
        for i, name in enumerate(features)
        if sets.filling[name] != ZERO and np.isnan(values[:, i]).all()
    )

    def named(how: str) -> list[str]:
        return [name for name in features if sets.filling[name] == how and name not in empty]

    constants = dict.fromkeys(named(ZERO), 0.0)
    for name in named(MEDIAN):
        constants[name] = float(np.nanmedian(values[:, features.index(name)]))
    regressed = named(REGRESS)
    return Imputer(
        features=features,
        constants=constants,
        regressed=tuple(regressed),
        references=values[:, [features.index(name) for name in regressed]],
        neighbours=sets.neighbours,
        required=tuple(name for name in features if sets.filling[name] == REQUIRED),
        empty=empty,
    )


def _finite(matrix: FloatMatrix) -> FloatMatrix:
    values = np.array(matrix, dtype=np.float64)
    values[~(np.abs(values) <= _LARGEST)] = np.nan
    return values

"""The candidates of stars on the GPU: summed over their curves there, searched for maxima there."""

from collections.abc import Sequence
from typing import Any

from numba import cuda

from udfs.periodograms.engine_cuda import SharedExposuresCuda
from udfs.periodograms.plan import Part
from udfs.periodograms.running_peaks_cuda import RunningPeaksCuda, add_to_stars, star_sums
from udfs.periodograms.star_peaks import StarPeaks
from udfs.ragged import FloatArray


class StarPeaksCuda(StarPeaks):
    """As :class:`StarPeaks`; what it sums does not leave the device."""

    running_peaks = RunningPeaksCuda

    def _sums(self, parts: Sequence[Part], freq: FloatArray, harmonics: int) -> Any:
        total = star_sums(harmonics, freq.size, self._n_star)
        for part in parts:
            star, factor = self._star[part.curves], part.points_per_chi2
            if isinstance(part.engine, SharedExposuresCuda):
                part.engine.add_reductions(total, freq, star=star, factor=factor)
            else:
                for first, values in part.engine.reductions(freq, harmonics):
                    here = slice(first, first + values.shape[2])
                    on_device = cuda.to_device(values.astype("float32", order="C"))
                    add_to_stars(total, on_device, star=star[here], factor=factor[here])
        return total

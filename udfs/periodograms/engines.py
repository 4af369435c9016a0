"""What computes a stretch of all periodograms: for curves over shared exposures, or one by one."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from udfs.periodograms.aov import block_cpu as aov_block
from udfs.periodograms.conditional_entropy import block_cpu as entropy_block
from udfs.periodograms.conditional_entropy import magnitude_bins
from udfs.periodograms.curves import backend_of, scaled_curve
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.folding import fold_exposures
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.lomb_scargle import block_cpu as lomb_scargle_block
from udfs.periodograms.multi_harmonic import block_cpu as multi_harmonic_block
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.ragged import FloatArray, IntArray

Stretch = npt.NDArray[np.floating[Any]]


class Engine(Protocol):
    """Periodograms of some light curves at neighbouring frequencies."""

    def classic(self, freq: FloatArray) -> tuple[Stretch, Stretch, Stretch]:
        """Lomb-Scargle, conditional entropy and AOV: (n_freq, n_lc) each."""

    def reductions(self, freq: FloatArray, harmonics: int) -> Stretch:
        """Reduction of chi-square by 1 .. ``harmonics`` harmonics: (harmonics, n_freq, n_lc)."""


class SharedExposures:
    """All curves of a block at once: each exposure is folded once for all of them."""

    def __init__(
        self, block: ExposureBlock, settings: PeriodSearchSettings, *, backend: str
    ) -> None:
        if backend != "cpu":
            raise ValueError(
                f"backend={backend!r} has no kernels for shared exposures; set times='exact'"
            )
        self._time = block.time
        self._phase_bins = settings.phase_bins
        self._mags = lomb_scargle_block.prepare(block)
        self._counts = entropy_block.prepare(block, mag_bins=settings.mag_bins)
        self._sums = aov_block.prepare(block)
        self._weights = multi_harmonic_block.prepare(block)

    def classic(self, freq: FloatArray) -> tuple[Stretch, Stretch, Stretch]:
        """See :class:`Engine`."""
        fold = fold_exposures(self._time, freq, phase_bins=self._phase_bins)
        return (
            lomb_scargle_block.power(self._mags, freq),
            entropy_block.entropy(self._counts, fold),
            aov_block.theta(self._sums, fold),
        )

    def reductions(self, freq: FloatArray, harmonics: int) -> Stretch:
        """See :class:`Engine`."""
        return multi_harmonic_block.reductions(self._weights, freq, harmonics=harmonics)


class OwnTimes:
    """Each curve by itself, folded at its own times."""

    def __init__(
        self,
        time: FloatArray,
        mag: FloatArray,
        magerr: FloatArray,
        offsets: IntArray,
        *,
        settings: PeriodSearchSettings,
        backend: str,
    ) -> None:
        self._time, self._mag, self._magerr, self._offsets = time, mag, magerr, offsets
        self._settings = settings
        self._backend = backend

    def classic(self, freq: FloatArray) -> tuple[Stretch, Stretch, Stretch]:
        """See :class:`Engine`."""
        ls, ce, theta = np.full((3, freq.size, self._offsets.size - 1), np.nan)
        bins = {"phase_bins": self._settings.phase_bins}
        for i in range(self._offsets.size - 1):
            curve = slice(self._offsets[i], self._offsets[i + 1])
            elapsed, scaled = scaled_curve(self._time[curve], self._mag[curve])
            columns = magnitude_bins(scaled, self._settings.mag_bins)
            ls[:, i] = backend_of("lomb_scargle", self._backend)(elapsed, scaled, freq)
            ce[:, i] = backend_of("conditional_entropy", self._backend)(
                elapsed, columns, freq, mag_bins=self._settings.mag_bins, **bins
            )
            if elapsed.size > self._settings.phase_bins:
                theta[:, i] = backend_of("aov", self._backend)(elapsed, scaled, freq, **bins)
        return ls, ce, theta

    def reductions(self, freq: FloatArray, harmonics: int) -> Stretch:
        """See :class:`Engine`."""
        values = multi_harmonic(
            self._time, self._mag, self._magerr, self._offsets, freq,
            backend=self._backend, harmonics=harmonics,
        )  # fmt: skip
        return values.transpose(2, 1, 0)

"""Tests that need a CUDA device, or numba's simulator of one: NUMBA_ENABLE_CUDASIM=1.

Without either nothing here is collected; integration/test_cuda_simulated.py then runs this folder
in a process of its own, under the simulator, which finds wrong indices and formulas, but no races.
"""

import sys

import numpy as np
import pytest
from numba import cuda

from udfs.periodograms.exposures import exposure_block, shared_exposures

collect_ignore_glob = [] if cuda.is_available() else ["test_*.py"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of threads so small that a few sources and frequencies cross them."""
    from udfs.features import dmdt_cuda, harmonic_fit_cuda, moments_cuda, normality_cuda
    from udfs.periodograms import (
        binned_cuda,
        engine_cuda,
        folding_cuda,
        phases_cuda,
        running_best_cuda,
        running_peaks_cuda,
        spectra_cuda,
    )
    from udfs.periodograms.aov import cuda as aov
    from udfs.periodograms.conditional_entropy import cuda as conditional_entropy
    from udfs.periodograms.fast_phase_weighting import weighted_cuda
    from udfs.periodograms.lomb_scargle import block_cuda as lomb_scargle_block
    from udfs.periodograms.lomb_scargle import cuda as lomb_scargle
    from udfs.periodograms.multi_harmonic import block_cuda as multi_harmonic_block
    from udfs.periodograms.multi_harmonic import cuda as multi_harmonic
    from udfs.periodograms.multiband import cuda as multiband

    sizes = {
        aov: {"THREADS": 32},
        conditional_entropy: {"THREADS": 32},
        dmdt_cuda: {"THREADS": 4},
        engine_cuda: {"DEVICE_VALUES": 2500},
        folding_cuda: {"THREADS": 32},
        harmonic_fit_cuda: {"THREADS": 4},
        lomb_scargle: {"THREADS": 16},
        moments_cuda: {"THREADS": 4},
        multi_harmonic: {"THREADS": 16},
        multiband: {"THREADS": 16},
        normality_cuda: {"THREADS": 4},
        weighted_cuda: {"THREADS": 32},
        phases_cuda: {"THREADS": 4},
        running_best_cuda: {"THREADS": 4, "CHUNK": 8},
        running_peaks_cuda: {"THREADS": 4},
        binned_cuda: {"LANES": 2, "WARPS": 2},
        lomb_scargle_block: {"THREADS": 4},
        spectra_cuda: {"LANES": 1, "WARPS": 2, "NODES": 3, "THREADS": 4},
        multi_harmonic_block: {"THREADS": 4},
    }
    for module, names in sizes.items():
        for name, value in names.items():
            monkeypatch.setattr(module, name, value)


@pytest.fixture(autouse=True)
def warned():
    """The registry that the first warning in a module adds to its globals.

    Threads of the simulator walk through these: a name that is added meanwhile stops them.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("udfs."):
            vars(module).setdefault("__warningregistry__", {})


@pytest.fixture
def make_block(rng):
    """Sources over shared exposures with gaps of their own: the first all gap, the last none."""

    def make(time: np.ndarray, n_lc: int):
        seen = rng.uniform(size=(n_lc, time.size)) < 0.8
        seen[:2] = False
        seen[:2, [2, 5]] = True
        seen[-1] = True
        curves = []
        for row in seen:
            t = time[row]
            curves.append((t, 17 + 0.3 * np.sin(9 * t) + rng.normal(0, 0.05, t.size)))
        offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
        t, mag = (np.concatenate(parts) for parts in zip(*curves, strict=True))
        weight = rng.uniform(400, 10_000, t.size)
        block = exposure_block(shared_exposures(t), t, mag, weight, offsets)
        for matrix in (block.scaled, block.deviation, block.weight, block.seen, block.n):
            matrix[..., 0] = 0
        return block

    return make

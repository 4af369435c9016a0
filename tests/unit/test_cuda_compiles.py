"""All kernels through NVIDIA's compiler, for Hopper: it refuses what the simulator lets pass."""

import os
from types import SimpleNamespace

import pytest

pytest.importorskip("numba_cuda", reason="needs numba-cuda with NVVM: pip install numba-cuda[cu12]")
if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    pytest.skip("the simulator compiles nothing", allow_module_level=True)

from numba import cuda, float32, float64, int32, int64, types, uint16, uint64  # noqa: E402
from numba.cuda import dispatcher  # noqa: E402

from udfs.features import (  # noqa: E402
    dmdt_cuda,
    harmonic_fit_cuda,
    moments_cuda,
    normality_cuda,
)
from udfs.periodograms import (  # noqa: E402
    binned_cuda,
    folding_cuda,
    phases_cuda,
    running_best_cuda,
    running_peaks_cuda,
    spectra_cuda,
)
from udfs.periodograms.aov import cuda as aov  # noqa: E402
from udfs.periodograms.box_least_squares import cuda as box_least_squares  # noqa: E402
from udfs.periodograms.conditional_entropy import cuda as conditional_entropy  # noqa: E402
from udfs.periodograms.fast_phase_weighting import cuda as fast_phase_weighting  # noqa: E402
from udfs.periodograms.lomb_scargle import block_cuda as lomb_scargle_block  # noqa: E402
from udfs.periodograms.lomb_scargle import cuda as lomb_scargle  # noqa: E402
from udfs.periodograms.multi_harmonic import block_cuda as multi_harmonic_block  # noqa: E402
from udfs.periodograms.multi_harmonic import cuda as multi_harmonic  # noqa: E402
from udfs.periodograms.multiband import cuda as multiband  # noqa: E402

HOPPER = (9, 0)
number, real = int64, float64
i4, i8, u8 = (t[::1] for t in (int32, int64, uint64))
f4, f8 = float32[::1], float64[::1]


def rows(dtype, ndim=2):
    return types.Array(dtype, ndim, "C")


f4_2, f8_2, i8_2 = rows(float32), rows(float64), rows(int64)
KERNELS = {
    "aov": (aov._fill, (f8, f8, f8, number, real, f8)),
    "best merge": (running_best_cuda._merge, (f8_2, f8_2, f8_2, i8_2, f8, i8, f8, f8)),
    "best points": (
        running_best_cuda._look_through,
        (f4_2, real, number, number, f8_2, f8_2, f8_2, i8_2),
    ),
    "best top": (
        running_best_cuda._keep_top,
        (f4_2, real, f4_2, number, f8_2, f8_2, i8_2, f8_2),
    ),
    "binned": (
        binned_cuda._kernel(10, 32),
        (u8, u8, i4, i4, f8, f8, f8, f8, f4_2, f4_2),
    ),
    "box least squares": (
        box_least_squares._kernel(50, 25),
        (f8, f8, f8, f8, number, real, f8),
    ),
    "conditional entropy": (
        conditional_entropy._fill,
        (f8, i4, f8, f8, number, number, number, f8),
    ),
    "dmdt": (dmdt_cuda._count, (f8, f8, i8, f8, f8, rows(int64, 3))),
    "fast phase weighting": (fast_phase_weighting._kernel(20), (f8, f8, f8, f8, f8)),
    "fold": (folding_cuda._fold, (f8, f8, number, rows(uint16), rows(int32))),
    "fourier": (
        harmonic_fit_cuda._fit,
        (f8, f8, f8, i8, i8, f8, f8, f8, f8, i4, f8_2),
    ),
    "lomb scargle": (lomb_scargle._fill, (f8, f8, f8, f8)),
    "lomb scargle block": (lomb_scargle_block._fill, (f4, i8, f4_2, f4, i8, f4_2, f4, f4_2)),
    "moments": (moments_cuda._fill, (f8, f8, f8, f8, f8, i8, f8, f8, f8_2)),
    "multi harmonic": (multi_harmonic._kernel(3), (f8, f8, f8, f8, real, f8_2)),
    "multi harmonic block": (
        multi_harmonic_block._kernel(3),
        (rows(float32, 4), f4, f4, real, rows(float32, 3)),
    ),
    "multi harmonic order": (multi_harmonic_block._order, (f4, i8, f4_2, f4_2, f4_2)),
    "multiband": (multiband._kernel(1, 1), (f8, f8, f8, i8, f8, real, real, real, f8)),
    "normality": (normality_cuda._fill, (f8, i8, f8, f8)),
    "peaks": (running_peaks_cuda._maxima, (f4_2, f4_2, f4_2, f4_2)),
    "spectra sums": (spectra_cuda._sums(32, 8), (f4, f4, number, rows(float32, 3))),
    "spectra taps": (spectra_cuda._taps, (f8, real, real, number, i8, f4_2)),
    "stars": (
        running_peaks_cuda._add,
        (rows(float32, 3), rows(float32, 3), i8, i8, i8, i8, f4),
    ),
    "waves": (phases_cuda._waves, (f8, f8, rows(float32, 4))),
}
FOLDING = ["aov", "box least squares", "conditional entropy", "fast phase weighting", "fold"]


@pytest.fixture
def compile_ptx(monkeypatch):
    # Functions that kernels call are compiled for the device at hand, and there may be none.
    device = SimpleNamespace(compute_capability=HOPPER)
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: device)

    def run(name: str) -> str:
        kernel, signature = KERNELS[name]
        return cuda.compile_ptx(kernel.py_func, signature, cc=HOPPER)[0]

    return run


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_compiles(compile_ptx, name):
    assert ".target sm_90" in compile_ptx(name)


@pytest.mark.parametrize("name", FOLDING)
def test_phases_are_not_fused(compile_ptx, name):
    """No product of time and frequency goes into the subtraction of its whole part unrounded."""
    ptx = compile_ptx(name)
    assert "mul.rn.f64" in ptx and "fma.rn.f64" not in ptx


@pytest.mark.parametrize("name", ["binned", "moments", "normality", "spectra sums"])
def test_sums_stay_in_registers(compile_ptx, name):
    assert ".local" not in compile_ptx(name)

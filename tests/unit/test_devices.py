"""What is said of CUDA devices, and how their threads are shared out."""

import numpy as np
import pytest
from numba import cuda

from udfs.devices import SHARED_BYTES, cuda_device_name, threads_that_fit
from udfs.periodograms.curves import backend_of


@pytest.mark.parametrize("call", [cuda_device_name, lambda: backend_of("aov", "cuda")])
def test_a_missing_device_is_named(monkeypatch, call):
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    with pytest.raises(
        RuntimeError,
        match="backend='cuda' but no CUDA device is visible; check spark.task.resource.gpu.amount",
    ):
        call()


def test_threads_come_in_whole_warps_that_fit():
    fits = [threads_that_fit(size, at_most=128) for size in (1, 384, 385, SHARED_BYTES // 32)]
    np.testing.assert_array_equal(fits, [128, 128, 96, 32])
    with pytest.raises(ValueError, match="use fewer bins"):
        threads_that_fit(SHARED_BYTES // 32 + 1, at_most=128)

"""The tests of unit/on_device under numba's CUDA simulator, where no device is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from numba import cuda

ON_DEVICE = Path(__file__).parents[1] / "unit" / "on_device"
# The simulator must not pass for having run fewer tests than there are.
EXPECTED_TESTS = 66


def test_kernels_pass_in_the_simulator():
    if cuda.is_available():
        pytest.skip("a CUDA device is here: unit/on_device runs on it")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ON_DEVICE],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed and int(passed[1]) >= EXPECTED_TESTS, run.stdout

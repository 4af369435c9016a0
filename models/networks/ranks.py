"""What the ranks of one training tell each other: alone, or over Horovod."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf


class Ranks(Protocol):
    """The processes that train one network together, seen from one of them."""

    rank: int
    size: int

    def average_gradient(self, gradient: "tf.Tensor") -> "tf.Tensor":
        """Mean over the ranks of a flat gradient; called inside the compiled step."""

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the ranks."""

    def from_first(self, value: Any) -> Any:
        """The value that rank 0 has; any object that can be pickled."""

    def agree(self, arrays: Sequence[NDArray[Any]]) -> bool:
        """Whether all ranks hold the same arrays, to the bit."""


class Alone:
    """A training in one process."""

    rank = 0
    size = 1

    def average_gradient(self, gradient: "tf.Tensor") -> "tf.Tensor":
        """The gradient."""
        return gradient

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values."""
        return values

    def from_first(self, value: Any) -> Any:
        """The value."""
        return value

    def agree(self, arrays: Sequence[NDArray[Any]]) -> bool:
        """True."""
        return True


class HorovodRanks:
    """A training over the ranks of an initialised Horovod.

    Keras 3 applies gradients past the hooks of Horovod's ``DistributedOptimizer``: the ranks would
    drift apart without a word. Hence the averaging stands in the step itself.
    """

    def __init__(self) -> None:
        import horovod.tensorflow as hvd

        _mend_environment()
        hvd.init()
        self._hvd = hvd
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()

    def average_gradient(self, gradient: "tf.Tensor") -> "tf.Tensor":
        """Mean over the ranks."""
        return self._hvd.allreduce(gradient, op=self._hvd.Average, name="gradient")

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the ranks."""
        found: NDArray[np.float64] = self._hvd.allreduce(
            np.asarray(values, dtype=np.float64), op=self._hvd.Sum, name="total"
        ).numpy()
        return found

    def from_first(self, value: Any) -> Any:
        """The value that rank 0 has."""
        return self._hvd.broadcast_object(value, root_rank=0, name="from_first")

    def agree(self, arrays: Sequence[NDArray[Any]]) -> bool:
        """Whether the smallest and the largest value over the ranks are the same everywhere."""
        mine = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
        # The smallest of -x is minus the largest of x: one message serves for both.
        found = self._hvd.allreduce(
            np.concatenate([mine, -mine]), op=self._hvd.Min, name="extremes"
        ).numpy()
        return bool(np.array_equal(found[: len(mine)], -found[len(mine) :]))


def _mend_environment() -> None:
    """Remove Horovod's settings that are no numbers.

    ``horovod.run`` of 0.28.1 hands on ``(None,)`` for each that was not given. Read as a number
    that is 0: the thread that waits for messages would then never sleep, and take a core from the
    training.
    """
    for name in ("HOROVOD_CYCLE_TIME", "HOROVOD_CACHE_CAPACITY"):
        try:
            float(os.environ.get(name, "0"))
        except ValueError:
            del os.environ[name]

"""When to lower the learning rate and when to stop: a state that every rank computes alike."""

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """How the learning rate runs.

    SCoPe waits 20 epochs for both the reduction and the stop, so that the rate is never reduced;
    here the reduction comes first.

    Attributes
    ----------
    learning_rate
        For a batch of ``reference_batch`` rows. With Adam the rate grows with the root of the
        batch (Malladi et al. 2022, arXiv:2205.10287), whether it grows by rows or by ranks.
    warmup_epochs
        Epochs over which the rate climbs from zero, step by step (Goyal et al. 2017,
        arXiv:1706.02677).
    reduce_factor, reduce_patience
        The rate is multiplied by the factor after so many epochs without a better validation loss.
    stop_patience
        Epochs without a better validation loss after which the training ends.
    min_delta
        A loss is better if it is lower by more than this.
    """

    learning_rate: float = 3e-4
    reference_batch: int = 64
    warmup_epochs: float = 1.0
    reduce_factor: float = 0.3
    reduce_patience: int = 7
    stop_patience: int = 20
    min_delta: float = 1e-4

    def peak(self, batch: int) -> float:
        """The rate after the warm-up, for a batch of so many rows over all ranks."""
        return self.learning_rate * float(np.sqrt(batch / self.reference_batch))

    def rate(self, state: "State", epochs_done: float, batch: int) -> float:
        """The rate of a step; ``epochs_done`` counts in fractions of an epoch."""
        climbed = 1.0
        if self.warmup_epochs > 0:
            climbed = min((epochs_done + 1e-9) / self.warmup_epochs, 1.0)
        return self.peak(batch) * climbed * state.factor

    def after_epoch(self, state: "State", loss: float) -> "State":
        """The state after an epoch with that validation loss; NaN counts as no better."""
        if loss < state.best_loss - self.min_delta:
            return replace(
                state, best_loss=loss, best_epoch=state.epoch, epoch=state.epoch + 1,
                since_best=0, since_reduced=0,
            )  # fmt: skip
        waited = replace(
            state,
            epoch=state.epoch + 1,
            since_best=state.since_best + 1,
            since_reduced=state.since_reduced + 1,
        )
        if waited.since_reduced < self.reduce_patience:
            return waited
        return replace(waited, factor=waited.factor * self.reduce_factor, since_reduced=0)

    def is_over(self, state: "State") -> bool:
        """Whether the training has waited long enough."""
        return state.since_best >= self.stop_patience


@dataclass(frozen=True)
class State:
    """Where a training stands: ``epoch`` epochs are done, ``best_epoch`` had the best loss."""

    epoch: int = 0
    best_loss: float = field(default=float("inf"))
    best_epoch: int = -1
    since_best: int = 0
    since_reduced: int = 0
    factor: float = 1.0

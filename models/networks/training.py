"""Training of one network, alone or over ranks that stay identical."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.networks.architecture import Architecture, build, ordered_variables
from models.networks.checkpoint import Checkpoint, CheckpointFile
from models.networks.compiled import compiled_answer, compiled_step
from models.networks.loss import BINARY, loss_of, total_loss
from models.networks.ranks import Alone, Ranks
from models.networks.schedule import Schedule, State
from models.networks.seeds import seed_dropout
from udfs.errors import ContractError

FloatArray = NDArray[np.float32]
# Rows of one forward pass over the validation part.
_VALIDATION_ROWS = 2048

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkPlan:
    """How a network is trained.

    Attributes
    ----------
    batch
        Rows of one step over all ranks.
    loss : {"binary", "focal"}
        Binary cross-entropy, or the focal loss of Lin et al. 2017 (arXiv:1708.02002, equation 4)
        with ``focal_gamma``. The validation loss is the cross-entropy for both.
    amsgrad
        Adam as Reddi et al. 2018 correct it. SCoPe and ACAI train with it, by way of a number
        taken for a truth value.
    """

    epochs: int = 200
    batch: int = 256
    schedule: Schedule = field(default_factory=Schedule)
    loss: str = BINARY
    focal_gamma: float = 2.0
    amsgrad: bool = True
    seed: int = 42


@dataclass(frozen=True)
class Examples:
    """Rows to learn from; the arrays may be memory maps, and are read a batch at a time.

    Attributes
    ----------
    features : (n, n_features) float32, or None for a network of images
    image : (n, h, w, c) float32
    target : (n, n_outputs) float32, of 0 and 1
    weight : (n, n_outputs) float32
        0 where the answer is not known.
    rows : (k,) int
        Those of the n rows that count.
    """

    features: FloatArray | None
    image: FloatArray
    target: FloatArray
    weight: FloatArray
    rows: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> tuple[list[FloatArray], FloatArray, FloatArray]:
        """Inputs of the network, targets and weights of some rows."""
        # A memory map is read fastest in the order of its rows.
        rows = np.sort(rows)
        inputs = [self.image[rows]] if self.features is None else [
            self.features[rows], self.image[rows]]  # fmt: skip
        return inputs, self.target[rows], self.weight[rows]


@dataclass(frozen=True)
class Surroundings:
    """Where a training runs: its ranks, the folder of its checkpoints, who wants to know."""

    ranks: Ranks | None = None
    checkpoints: str | None = None
    on_epoch: Callable[[int, dict[str, float]], None] | None = None

    def checkpoint(self, name: str) -> CheckpointFile | None:
        """The checkpoint of one network; none without a folder."""
        return CheckpointFile(f"{self.checkpoints}/{name}.npz") if self.checkpoints else None


@dataclass(frozen=True)
class Trained:
    """A network at its best epoch, with one record per epoch of how it got there."""

    architecture: Architecture
    weights: list[FloatArray]
    state: State
    history: list[dict[str, float]]


def train_network(
    architecture: Architecture,
    train: Examples,
    validation: Examples,
    *,
    plan: NetworkPlan,
    ranks: Ranks | None = None,
    checkpoint: CheckpointFile | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> Trained:
    """Train a network until its validation loss no longer falls.

    All ranks take part in every step with their share of the batch, average their gradients, and
    compute the same validation loss, so that they lower the rate and stop together. After every
    epoch their weights are compared to the bit. With the same plan the steps do not depend on the
    number of ranks, but for the dropout, which is drawn per rank.

    Parameters
    ----------
    architecture : Architecture
    train, validation : Examples
        The same on all ranks.
    plan : NetworkPlan
    ranks : Ranks, optional
        Alone without it.
    checkpoint : CheckpointFile, optional
        Written after every epoch by rank 0; if it is there already, the training goes on from it
        and ends with the weights that it would have had without the interruption.
    on_epoch : callable, optional
        Called on every rank after each epoch with its number and its record.

    Raises
    ------
    ContractError
        If there is no row to learn or to validate from, a loss is not finite, or the ranks no
        longer agree.
    """
    if not len(train.rows) or not len(validation.rows):
        raise ContractError(
            f"{len(train.rows)} rows to train on and {len(validation.rows)} to validate on: a "
            "network needs both"
        )
    return _Training(architecture, train, validation, plan, ranks or Alone(), checkpoint).run(
        on_epoch
    )


class _Training:
    """The state of a training on one rank."""

    def __init__(
        self,
        architecture: Architecture,
        train: Examples,
        validation: Examples,
        plan: NetworkPlan,
        ranks: Ranks,
        checkpoint: CheckpointFile | None,
    ) -> None:
        import keras

        self._architecture, self._train, self._validation = architecture, train, validation
        self._plan, self._ranks, self._checkpoint = plan, ranks, checkpoint
        self._model = build(architecture, seed=plan.seed)
        self._optimizer = keras.optimizers.Adam(plan.schedule.learning_rate, amsgrad=plan.amsgrad)
        self._optimizer.build(self._model.trainable_variables)
        # No more rows than there are, and the same number for every rank.
        share = max(min(plan.batch, len(train.rows)) // ranks.size, 1)
        self._batch = share * ranks.size
        self._step = compiled_step(
            self._model, self._optimizer, loss_of(plan.loss, plan.focal_gamma), ranks
        )
        self._answer = compiled_answer(self._model)
        self._state = State()
        self._best: list[FloatArray] = self._weights()
        self._history: list[dict[str, float]] = []

    def run(self, on_epoch: Callable[[int, dict[str, float]], None] | None) -> Trained:
        self._restore()
        schedule = self._plan.schedule
        while self._state.epoch < self._plan.epochs and not schedule.is_over(self._state):
            epoch = self._state.epoch
            rate, loss = self._rate(epoch), self._epoch(epoch)
            # One message for all that the ranks have to add up.
            loss, missed, known = self._ranks.total(np.array([loss, *self._validate()]))
            record = {
                "epoch": float(epoch),
                "rate": rate,
                "loss": float(loss) / self._ranks.size,
                "validation_loss": float(missed / known) if known > 0 else float("nan"),
            }
            self._check(record)
            self._state = schedule.after_epoch(self._state, record["validation_loss"])
            if self._state.best_epoch == epoch:
                self._best = self._weights()
            self._history.append(record)
            self._save()
            log.debug("epoch=%d loss=%.5f validation_loss=%.5f", epoch, record["loss"],
                      record["validation_loss"])  # fmt: skip
            if on_epoch is not None:
                on_epoch(epoch, record)
        return Trained(self._architecture, self._best, self._state, self._history)

    def _epoch(self, epoch: int) -> float:
        """All steps of one epoch; their mean loss on this rank."""
        seed_dropout(self._model, self._plan.seed, epoch=epoch, rank=self._ranks.rank)
        steps = max(len(self._train.rows) // self._batch, 1)
        loss = 0.0
        for step, rows in enumerate(self._batches(epoch, steps)):
            self._optimizer.learning_rate.assign(self._rate(epoch + (step + 1) / steps))
            loss += float(self._step(*self._train.take(rows)))
        return loss / steps

    def _batches(self, epoch: int, steps: int) -> Iterator[NDArray[np.intp]]:
        """Of each batch the part of this rank; the order of the rows is the same on all."""
        order = np.random.default_rng((self._plan.seed, epoch)).permutation(self._train.rows)
        for step in range(steps):
            batch = order[step * self._batch : (step + 1) * self._batch]
            yield batch[self._ranks.rank :: self._ranks.size]

    def _validate(self) -> NDArray[np.float64]:
        """Cross-entropy of this rank's share of the validation part, and its known answers."""
        mine = self._validation.rows[self._ranks.rank :: self._ranks.size]
        found = np.zeros(2)
        for start in range(0, len(mine), _VALIDATION_ROWS):
            inputs, target, weight = self._validation.take(mine[start : start + _VALIDATION_ROWS])
            found += total_loss(self._answer(inputs).numpy(), target, weight)
        return found

    def _check(self, record: dict[str, float]) -> None:
        weights = self._weights()
        # A compiled relu turns NaN into 0: the loss alone can look sound.
        sound = np.isfinite(list(record.values())).all()
        if not sound or not all(np.isfinite(array).all() for array in weights):
            raise ContractError(
                f"epoch {record['epoch']:.0f}: loss {record['loss']}, validation loss "
                f"{record['validation_loss']}: the training diverged; lower the learning rate, or "
                "look for features that are not finite"
            )
        if not self._ranks.agree(weights):
            raise ContractError(
                f"epoch {record['epoch']:.0f}: the ranks hold different weights: gradients were "
                "not averaged"
            )

    def _rate(self, epochs_done: float) -> float:
        return self._plan.schedule.rate(self._state, epochs_done, self._batch)

    def _weights(self) -> list[FloatArray]:
        return [v.numpy() for v in ordered_variables(self._model, self._architecture)]

    def _restore(self) -> None:
        """Start from the checkpoint of rank 0, or from its initial weights."""
        found = None
        if self._checkpoint is not None and self._ranks.rank == 0:
            found = self._checkpoint.read()
        found = self._ranks.from_first(found or self._as_checkpoint())
        self._state, self._history = found.state, list(found.history)
        self._best = [np.array(array) for array in found.best]
        for variable, value in zip(
            ordered_variables(self._model, self._architecture), found.weights, strict=True
        ):
            variable.assign(value)
        for variable, value in zip(self._optimizer.variables, found.optimizer, strict=True):
            variable.assign(value)

    def _save(self) -> None:
        if self._checkpoint is not None and self._ranks.rank == 0:
            self._checkpoint.write(self._as_checkpoint())

    def _as_checkpoint(self) -> Checkpoint:
        optimizer = [np.array(variable) for variable in self._optimizer.variables]
        return Checkpoint(self._state, self._weights(), optimizer, self._best, self._history)

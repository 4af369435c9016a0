"""Training of one classifier of alerts, with a balanced choice and hard negatives."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.acai.alert_table import BRAAI, AlertTable
from models.acai.balance import balance
from models.label_training import Judged, LabelResult, test_metrics, told_counts
from models.networks import architecture as networks
from models.networks.architecture import Architecture
from models.networks.runtime import Network
from models.networks.schedule import Schedule
from models.networks.stored import to_bytes
from models.networks.training import NetworkPlan, Surroundings, Trained, train_network
from models.splits import PART_NAMES, TEST, TRAIN, VALIDATION
from udfs.alerts.metadata import FEATURES

TRIPLETS, FEATURES_AND_TRIPLETS = "triplets", "features_and_triplets"
READS = {TRIPLETS: (), FEATURES_AND_TRIPLETS: FEATURES}
# Rows of one call of the network.
_SCORED_AT_ONCE = 2048

Scores = NDArray[np.float32]


def _network_plan() -> NetworkPlan:
    schedule = Schedule(learning_rate=1e-3, reference_batch=32, stop_patience=20)
    return NetworkPlan(epochs=300, batch=64, schedule=schedule)


@dataclass(frozen=True)
class AlertPlan:
    """How a classifier of alerts is trained and judged.

    Attributes
    ----------
    network
        ACAI's learning rate for its batch of 32; the rate follows the batch.
    ratio
        Examples of the larger class per example of the smaller one.
    rounds
        Trainings after the first, each with the dropped examples that the one before misjudged.
    threshold, min_examples, resamples, seed
        As in ``models.label_training.Plan``; a score above the threshold is a yes.
    """

    network: NetworkPlan = field(default_factory=_network_plan)
    ratio: float = 2.5
    rounds: int = 2
    threshold: float = 0.5
    min_examples: int = 50
    resamples: int = 1000
    seed: int = 42


def train_alert_label(
    table: AlertTable, label: str, *, plan: AlertPlan, where: Surroundings
) -> LabelResult:
    """The network of one label with its scores of the test part.

    The training part is balanced; validation and test part stay as they are, so that the loss and
    the figures are those of alerts as they come. Dropped examples that the network misjudges
    (hard negatives: 1 to 2 % in Duev and van der Walt 2021) join the training part and it is
    trained again; of all rounds the one with the lowest validation loss is kept.
    """
    target = table.target(label)
    training = np.flatnonzero(table.part == TRAIN)
    kept, dropped = (
        training[rows] for rows in balance(target[training], ratio=plan.ratio, seed=plan.seed)
    )
    best: Trained | None = None
    added: list[int] = []
    for number in range(plan.rounds + 1):
        trained = _train(table, label, target, kept, plan=plan, where=where, number=number)
        if best is None or trained.state.best_loss < best.state.best_loss:
            best = trained
        if number == plan.rounds or not len(dropped):
            break
        score = scores_of(_content(trained), table, dropped)
        wrong = (score > plan.threshold) != (target[dropped] == 1)
        if not wrong.any():
            break
        added.append(int(np.count_nonzero(wrong)))
        kept = np.sort(np.concatenate([kept, dropped[wrong]]))
        dropped = dropped[~wrong]
    assert best is not None
    return _result(table, label, target, best, plan=plan, hard_negatives=added)


def scores_of(content: bytes, table: AlertTable, rows: NDArray[np.intp]) -> Scores:
    """Probabilities of some rows by a stored network, (len(rows),) float32."""
    network = Network.load(content, threads=1)
    reads = bool(network.architecture.n_features)
    found = [np.empty(0, dtype=np.float32)]
    for start in range(0, len(rows), _SCORED_AT_ONCE):
        chosen = rows[start : start + _SCORED_AT_ONCE]
        features = table.features[chosen] if reads else None
        found.append(network.predict(features, table.image[chosen])[:, 0])
    return np.concatenate(found)


def _train(
    table: AlertTable,
    label: str,
    target: NDArray[np.int8],
    rows: NDArray[np.intp],
    *,
    plan: AlertPlan,
    where: Surroundings,
    number: int,
) -> Trained:
    braai = label == BRAAI
    architecture = (
        Architecture(networks.BRAAI, 0) if braai else Architecture(networks.ACAI, len(FEATURES))
    )
    return train_network(
        architecture,
        table.examples(rows, target, reads=not braai),
        table.examples(np.flatnonzero(table.part == VALIDATION), target, reads=not braai),
        plan=plan.network,
        ranks=where.ranks,
        checkpoint=where.checkpoint(f"{label}-{number}"),
        on_epoch=where.on_epoch,
    )


def _content(trained: Trained) -> bytes:
    return to_bytes(trained.architecture, trained.weights)


def _result(
    table: AlertTable,
    label: str,
    target: NDArray[np.int8],
    trained: Trained,
    *,
    plan: AlertPlan,
    hard_negatives: list[int],
) -> LabelResult:
    content = _content(trained)
    validation, test = (
        Judged(rows.astype(np.int64), target[rows], scores_of(content, table, rows))
        for rows in (np.flatnonzero(table.part == part) for part in (VALIDATION, TEST))
    )
    counts = {
        name: np.bincount(target[table.part == part], minlength=2)
        for part, name in enumerate(PART_NAMES)
    }
    return LabelResult(
        label=label,
        model=content,
        summary={
            "kind": TRIPLETS if label == BRAAI else FEATURES_AND_TRIPLETS,
            "file": f"{label}.npz",
            "output": 0,
            "epochs": trained.state.epoch,
            "best_epoch": trained.state.best_epoch,
            "validation_loss": trained.state.best_loss,
            "hard_negatives": hard_negatives,
            "counts": told_counts(counts),
        },
        metrics=test_metrics(test, table.star[test.rows].astype(str).tolist(), plan),
        importances={},
        validation=validation,
        test=test,
    )

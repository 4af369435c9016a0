"""Networks for labels: one each, or one for all of them together. Runs wherever it is called."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.label_training import Judged, LabelResult, test_metrics, told_counts
from models.networks.architecture import SCOPE, Architecture
from models.networks.loss import total_loss
from models.networks.runtime import Network
from models.networks.stored import to_bytes, together
from models.networks.table import NetworkTable
from models.networks.training import NetworkPlan, Surroundings, Trained, train_network
from models.splits import PART_NAMES, TEST, TRAIN, VALIDATION
from models.taxonomy import ONTOLOGICAL

MULTI = "multi"
_SCORED_AT_ONCE = 4096


@dataclass(frozen=True)
class DnnPlan:
    """How the networks are trained and judged.

    Attributes
    ----------
    network
        Of one label.
    multi
        Of all labels together.
    multi_head
        Units that the labels share before their outputs, in the network of all labels.
    multi_dropout
        Factor on SCoPe's shares of dropped units in the network of all labels: the labels keep
        each other from learning the stars by heart.
    multi_members
        Networks of all labels that start from different weights and answer together.
    weigh_classes
        Weigh the positives of a label by negatives / positives.
    threshold, min_examples, resamples, seed
        As in ``models.label_training.Plan``.
    """

    network: NetworkPlan = field(default_factory=NetworkPlan)
    multi: NetworkPlan = field(default_factory=NetworkPlan)
    multi_head: int = 64
    multi_dropout: float = 0.4
    multi_members: int = 3
    weigh_classes: bool = False
    threshold: float = 0.7
    min_examples: int = 50
    resamples: int = 1000
    seed: int = 42


def train_separate(
    table: NetworkTable,
    label: str,
    *,
    columns: NDArray[np.intp],
    kind: str,
    plan: DnnPlan,
    where: Surroundings,
) -> LabelResult:
    """The network of one label, SCoPe's (Healy et al. 2024), with its test scores.

    Parameters
    ----------
    columns
        The table's features that labels of this kind read.
    """
    architecture = Architecture(SCOPE, n_features=len(columns))
    features = np.ascontiguousarray(table.features[:, columns])
    trained = _train(table, (label,), architecture, features, name=label, plan=plan.network,
                     weigh=plan.weigh_classes, where=where)  # fmt: skip
    return _results(table, [trained], (label,), kind, features, f"{label}.npz", plan)[0]


def train_multi(
    table: NetworkTable,
    labels: Sequence[str],
    *,
    plan: DnnPlan,
    where: Surroundings,
) -> list[LabelResult]:
    """One network with an output per label, or some that answer together.

    Answers that are not known teach nothing. A light curve passes the branches once for all
    labels, and rare labels use what the common ones have taught them (Caruana 1997,
    doi:10.1023/A:1007379606734). It reads the features of ontological labels, whatever tree a label
    belongs to.
    """
    architecture = Architecture(
        SCOPE,
        table.features.shape[1],
        n_outputs=len(labels),
        head_units=plan.multi_head,
        dropout=plan.multi_dropout,
    )
    members = [
        _train(table, tuple(labels), architecture, table.features, name=f"{MULTI}-{member}",
               plan=replace(plan.multi, seed=plan.multi.seed + member),
               weigh=plan.weigh_classes, where=where)
        for member in range(plan.multi_members)
    ]  # fmt: skip
    return _results(
        table, members, tuple(labels), ONTOLOGICAL, table.features, f"{MULTI}.npz", plan
    )


def better_of(separate: LabelResult, multi: LabelResult) -> LabelResult:
    """The one with the lower loss on the validation part."""
    losses = [result.summary["validation_loss"] for result in (separate, multi)]
    return separate if losses[0] <= losses[1] else multi


def _train(
    table: NetworkTable,
    labels: tuple[str, ...],
    architecture: Architecture,
    features: NDArray[np.float32],
    *,
    name: str,
    plan: NetworkPlan,
    weigh: bool,
    where: Surroundings,
) -> Trained:
    weights = {label: _class_weight(table, label) for label in labels} if weigh else None
    return train_network(
        architecture,
        table.examples(TRAIN, labels, features=features, weights=weights),
        table.examples(VALIDATION, labels, features=features),
        plan=plan,
        ranks=where.ranks,
        checkpoint=where.checkpoint(name),
        on_epoch=where.on_epoch,
    )


def _class_weight(table: NetworkTable, label: str) -> float:
    target = table.targets[table.part == TRAIN, table.labels.index(label)]
    positive = int(np.count_nonzero(target == 1))
    return int(np.count_nonzero(target == 0)) / positive if positive else 1.0


def _results(
    table: NetworkTable,
    members: Sequence[Trained],
    labels: tuple[str, ...],
    kind: str,
    features: NDArray[np.float32],
    file: str,
    plan: DnnPlan,
) -> list[LabelResult]:
    """What the network says of its validation and test part, a result per label."""
    content = to_bytes(*together(members[0].architecture, [each.weights for each in members]))
    judged = np.flatnonzero((table.part == VALIDATION) | (table.part == TEST))
    # By the runtime that scores later: stored and served scores are the same.
    network = Network.load(content)
    scores = np.concatenate(
        [
            network.predict(features[rows], table.image[rows])
            for rows in np.array_split(judged, len(judged) // _SCORED_AT_ONCE + 1)
        ]
    )
    return [
        _result(table, members, label, judged=judged, score=scores[:, output],
                told={"kind": kind, "file": file, "output": output},
                content=content, plan=plan)
        for output, label in enumerate(labels)
    ]  # fmt: skip


def _result(
    table: NetworkTable,
    members: Sequence[Trained],
    label: str,
    *,
    judged: NDArray[np.intp],
    score: NDArray[np.float32],
    told: dict[str, Any],
    content: bytes,
    plan: DnnPlan,
) -> LabelResult:
    target = table.targets[:, table.labels.index(label)]
    known = target[judged] >= 0
    validation, test = (
        Judged(judged[rows].astype(np.int64), target[judged[rows]], score[rows])
        for rows in (known & (table.part[judged] == part) for part in (VALIDATION, TEST))
    )
    loss, count = total_loss(
        validation.score,
        validation.target.astype(np.float32),
        np.ones(len(validation.rows), np.float32),
    )
    counts = {
        name: np.bincount(target[(table.part == part) & (target >= 0)], minlength=2)
        for part, name in enumerate(PART_NAMES)
    }
    return LabelResult(
        label=label,
        model=content,
        summary={
            **told,
            "epochs": max(each.state.epoch for each in members),
            "best_epoch": max(each.state.best_epoch for each in members),
            "validation_loss": loss / count if count else None,
            "counts": told_counts(counts),
        },
        metrics=test_metrics(test, table.star[test.rows].astype(str).tolist(), plan),
        importances={},
        validation=validation,
        test=test,
    )

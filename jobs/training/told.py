"""What a training says: which labels were left out, and how each trained one does."""

import logging
from collections.abc import Mapping, Sequence

from models.label_training import LabelResult
from udfs.errors import ContractError

log = logging.getLogger(__name__)


def tell_skipped(reasons: Mapping[str, str], *, asked: Sequence[str]) -> None:
    """Log the labels that cannot be trained, by reason; ContractError if one was asked for."""
    for name in asked:
        if name in reasons:
            raise ContractError(f"label {name} cannot be trained: {reasons[name]}")
    alike: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        alike.setdefault(reason, []).append(name)
    for reason, names in alike.items():
        log.info("not trained, %s: %s", reason, ", ".join(names))


def tell_trained(result: LabelResult, *, rounds: str) -> None:
    """Log one line with the metrics of the test part.

    Parameters
    ----------
    rounds : name of the entry of the summary that says how long the training went on
    """
    found = result.metrics
    counts = result.summary["counts"]["train"]
    shown = " ".join(
        f"{name}={found[name]:.3f}" if found[name] is not None else f"{name}=undefined"
        for name in ("precision", "recall", "f1", "average_precision", "roc_auc")
    )
    log.info(
        "label=%s positive=%d negative=%d %s=%s %s",
        result.label, counts["positive"], counts["negative"], rounds, result.summary[rounds],
        shown,
    )  # fmt: skip

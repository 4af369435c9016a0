"""A finished training in the log of runs, and what to do next."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from jobs.common.ledger import Done, Ledger
from jobs.common.tables import Warehouse
from jobs.common.version import fingerprint
from models.label_training import LabelResult
from models.store import set_name

log = logging.getLogger(__name__)


def note_training(
    warehouse: Warehouse,
    job: str,
    trained: tuple[str, str, Sequence[LabelResult]],
    *,
    plan: Any,
    arguments: Sequence[str] | None,
    seconds: float,
) -> None:
    """Note a training that has registered its set.

    Parameters
    ----------
    trained : algorithm, version and labels of the set
    plan : all settings of the training
    arguments : of the command line; None for those of this process
    """
    algorithm, version, results = trained
    rows = sum(sum(part.values()) for r in results for part in r.summary["counts"].values())
    digest = fingerprint(plan)
    Ledger(warehouse, job, arguments=arguments or sys.argv[1:], config_hash=digest).record(
        [Done(version, digest, rows, rows, 0, seconds)]
    )
    log.info(
        "models %s: %d labels, %.0f s; next: promote_models",
        set_name(algorithm, version), len(results), seconds,
    )  # fmt: skip

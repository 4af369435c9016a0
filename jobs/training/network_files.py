"""The files of a trained set of networks, and the checkpoints that it no longer needs."""

from collections.abc import Sequence

import pandas as pd

from jobs.common import files
from jobs.common.tables import Warehouse
from jobs.training.contents import as_json, scores_of
from jobs.training.node_table import TableRecipe
from models.label_training import LabelResult
from models.networks.table import NetworkTable
from models.store import IMPUTER, METRICS, SCALER


def network_contents(
    results: Sequence[LabelResult], recipe: TableRecipe, table: NetworkTable
) -> dict[str, bytes]:
    """File name -> bytes; labels of one network share its file."""
    contents = {result.summary["file"]: result.model for result in results}
    contents[IMPUTER] = recipe.imputer.to_bytes()
    contents[SCALER] = recipe.scaler.to_bytes()
    contents[METRICS] = as_json([{"label": r.label, **r.metrics} for r in results])
    keys = pd.DataFrame(
        {"survey": table.survey, "object_id": table.object_id, "source_id": table.source_id}
    )
    return {**contents, **scores_of((result, keys) for result in results)}


def forget_checkpoints(warehouse: Warehouse, folder: str) -> None:
    """Remove the checkpoints of a finished training."""
    files.remove_folder(warehouse.spark, folder)

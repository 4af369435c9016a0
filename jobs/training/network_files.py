"""The files of a trained set of networks, and the checkpoints that it no longer needs."""

from collections.abc import Sequence

import pandas as pd

from jobs.common import files
from jobs.common.tables import Warehouse
from jobs.training.contents import as_json, as_parquet
from jobs.training.node_table import TableRecipe
from jobs.training.sizes import KEY
from models.label_training import LabelResult
from models.networks.table import NetworkTable
from models.store import IMPUTER, METRICS, PREDICTIONS, SCALER


def network_contents(
    results: Sequence[LabelResult], recipe: TableRecipe, table: NetworkTable
) -> dict[str, bytes]:
    """File name -> bytes; labels of one network share its file."""
    contents = {result.summary["file"]: result.model for result in results}
    contents[IMPUTER] = recipe.imputer.to_bytes()
    contents[SCALER] = recipe.scaler.to_bytes()
    contents[METRICS] = as_json([{"label": r.label, **r.metrics} for r in results])
    contents[PREDICTIONS] = as_parquet(_predictions(results, table))
    return contents


def forget_checkpoints(warehouse: Warehouse, folder: str) -> None:
    """Remove the checkpoints of a finished training."""
    files.remove_folder(warehouse.spark, folder)


def _predictions(results: Sequence[LabelResult], table: NetworkTable) -> pd.DataFrame:
    """The scores of the test part, one row per label and light curve."""
    frames = [
        pd.DataFrame({
            "label": result.label,
            "survey": table.survey[result.rows],
            "object_id": table.object_id[result.rows],
            "source_id": table.source_id[result.rows],
            "target": result.target.astype("int32"),
            "score": result.score,
        })
        for result in results
    ]  # fmt: skip
    return pd.concat(frames).sort_values(["label", *KEY, "source_id"], kind="stable")

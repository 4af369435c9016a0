"""The labelled alerts on each machine: stamps read from Delta, decoded once, mapped by all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable
from numpy.typing import NDArray

from jobs.common.version import fingerprint
from models.acai.alert_table import AlertTable
from models.acai.inputs import network_inputs
from models.networks.table import once_per_node
from models.scaling import Scaler
from udfs.alert_schemas import STAMPS
from udfs.alerts.cutouts import CHANNELS, SIDE, read_triplets
from udfs.alerts.metadata import FEATURES
from udfs.errors import ContractError


@dataclass(frozen=True)
class AlertRecipe:
    """What a machine needs to make its copy of the training table.

    Attributes
    ----------
    uri, version
        The Delta table of alerts, and the version of it.
    told
        As ``LabelledAlerts.told``.
    scaler
        None for raw features.
    """

    uri: str
    version: int
    told: pd.DataFrame
    scaler: Scaler | None

    @property
    def digest(self) -> str:
        """Changes when any of the rows would."""
        told = pd.util.hash_pandas_object(self.told).to_numpy().tobytes().hex()
        scaler = self.scaler.to_bytes().hex() if self.scaler else None
        return fingerprint(self.uri, self.version, told, scaler)

    def open(self, below: Path) -> AlertTable:
        """The table of this machine, made in that folder by the first process that asks."""
        return AlertTable.open(once_per_node(below / f"alerts-{self.digest}", self._fill))

    def _fill(self, folder: Path) -> None:
        """The stamps go straight to the disk: those of 200,000 alerts are 10 GB."""
        candid = self.told["candid"].to_numpy(np.int64)
        shape = (len(candid), SIDE, SIDE, len(CHANNELS))
        images: Any = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
            folder / "image.npy", mode="w+", dtype=np.float32, shape=shape
        )
        filled = np.zeros(len(candid), dtype=np.bool_)
        for batch in self._read(candid):
            found, problems = read_triplets(*(batch.column(n).to_pylist() for n in STAMPS))
            rows = np.searchsorted(candid, batch.column("candid").to_numpy())
            bad = next((problem for problem in problems if problem), None)
            if bad:
                raise ContractError(f"{self.uri}: stamp {bad[0]}: {bad[1]}: ingest it again")
            images[rows] = found
            filled[rows] = True
        if not filled.all():
            raise ContractError(f"{self.uri}: alert {candid[~filled][0]} has no stamps any more")
        images.flush()
        features = self.told[list(FEATURES)].to_numpy(np.float32)
        told = {
            "candid": candid,
            "object_id": self.told["objectId"].to_numpy(str),
            "star": self.told.groupby("objectId").ngroup().to_numpy(np.int64),
            "part": self.told["part"].to_numpy(np.int8),
            "letter": self.told["letter"].to_numpy(str),
            "features": network_inputs(features, self.scaler),
        }
        for name, array in told.items():
            np.save(folder / f"{name}.npy", array)

    def _read(self, candid: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        rows = DeltaTable(self.uri, version=self.version).to_pyarrow_dataset()
        yield from rows.to_batches(
            columns=["candid", *STAMPS],
            filter=pa.compute.field("candid").isin(pa.array(candid)),
            batch_size=1024,
        )

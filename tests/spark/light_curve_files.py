"""Small Parquet files in the three forms of input, to be changed by a test."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BULK = pa.schema(
    [
        ("objectid", pa.int64()),
        ("filterid", pa.uint8()),
        ("fieldid", pa.int16()),
        ("rcid", pa.uint8()),
        ("objra", pa.float32()),
        ("objdec", pa.float32()),
        ("nepochs", pa.int64()),
        ("hmjd", pa.list_(pa.float64())),
        ("mag", pa.list_(pa.float32())),
        ("magerr", pa.list_(pa.float32())),
        ("clrcoeff", pa.list_(pa.float32())),
        ("catflags", pa.list_(pa.uint16())),
    ]
)


def bulk_row(number: int, *, n_epochs: int = 60, **changes: object) -> dict[str, object]:
    """One sinusoidal variable star of ZTF, period 0.4 to 0.9 days."""
    rng = np.random.default_rng(number)
    hmjd = 58300.0 + np.sort(rng.uniform(0, 30, n_epochs))
    period_day = 0.4 + 0.05 * (number % 10)
    mag = 16.0 + 0.3 * np.sin(2 * np.pi * hmjd / period_day) + rng.normal(0, 0.02, n_epochs)
    row: dict[str, object] = {
        "objectid": 250101100000000 + number,
        "filterid": 1,
        "fieldid": 250,
        "rcid": 0,
        "objra": 40.0 + 0.01 * number,
        "objdec": -26.0,
        "nepochs": n_epochs,
        "hmjd": hmjd.tolist(),
        "mag": mag.tolist(),
        "magerr": np.full(n_epochs, 0.02).tolist(),
        "clrcoeff": np.zeros(n_epochs).tolist(),
        "catflags": np.zeros(n_epochs, dtype=int).tolist(),
    }
    return row | changes


def write_bulk(path: Path, rows: list[dict[str, object]], schema: pa.Schema = BULK) -> str:
    """Write rows in the form of the data-release files."""
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return str(path)

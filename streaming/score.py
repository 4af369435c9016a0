"""The stage on the executors: messages in, decoded and scored alerts out, batch by batch."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from models.acai.scorer import AlertScorer
from streaming.scorers import ScorerSource
from udfs.alert_schemas import ALERT_SCORES, FORCED, HISTORY, MORE_NUMBERS, SCORED_ALERTS, STAMPS
from udfs.alerts.columns import (
    PROBLEM,
    batch_of,
    history_columns,
    identity_columns,
    number_columns,
    problem_columns,
    stamp_columns,
)
from udfs.alerts.fields import Fields, Kind
from udfs.alerts.light_curve import LIGHT_CURVE_FEATURES, light_curve_features
from udfs.alerts.metadata import FEATURES, feature_matrix
from udfs.alerts.packets import Packets
from udfs.alerts.ztf import FIELDS, Alerts, read_alerts

_PREVIOUS, _FORCED = "prv_candidates", "fp_hists"
_FLAG = "isdiffpos"
STREAM_FIELDS = Fields.of([
    *FIELDS,
    *[(f"candidate.{name}", Kind.NUMBER) for name in MORE_NUMBERS],
    ("candidate.ssnamenr", Kind.TEXT),
    *[
        (f"{array}.{name}", Kind.HISTORY_FLAG if name == _FLAG else Kind.HISTORY_NUMBER)
        for array, names in ((_PREVIOUS, HISTORY), (_FORCED, FORCED))
        for name in names
    ],
])  # fmt: skip
KAFKA = ("topic", "partition", "offset", "message_time")
_LATEST = "timestamp_millis(253402214400000)"  # the last day of the year 9999
# What later stages add, in SQL.
_LATER = ("cut_", "known_", "anomaly")
_SCORED = to_arrow_schema(SCORED_ALERTS.schema)
SCORED_MESSAGES = pa.schema(
    [
        # An invalid alert may lack what the table requires.
        *[f.with_nullable(True) for f in _SCORED if not f.name.startswith(_LATER)],
        *[(name, pa.binary()) for name in (*STAMPS, "message")],
        *[(name, pa.string()) for name in PROBLEM],
    ]
)
WITHOUT_STAMPS = pa.schema([field for field in SCORED_MESSAGES if field.name not in STAMPS])


def score_messages(
    messages: DataFrame,
    scorer: ScorerSource,
    *,
    code_version: str,
    schemas: Mapping[int, bytes] | None = None,
    stamps: bool = True,
) -> DataFrame:
    """One row per message: the columns of ``scored_alerts`` that need no table, and the stamps.

    A message that is no valid alert has a ``reason`` and its own bytes in ``message``; all others
    have null there.

    Parameters
    ----------
    messages : DataFrame
        topic, partition, offset, timestamp and value, as Spark's Kafka source gives them.
    scorer
        Called once per task.
    schemas : number -> text of a schema, optional
        With it the messages are framed records (:mod:`streaming.schemas`), without containers.
    stamps : bool
        Whether the rows have the images: most of what goes back to Spark.
    """
    told = SCORED_MESSAGES if stamps else WITHOUT_STAMPS

    def score(batches: Iterable[Any]) -> Iterator[Any]:
        networks = scorer()
        for batch in batches:
            if batch.num_rows:
                yield score_batch(
                    batch, networks, code_version=code_version, schemas=schemas, told=told
                )

    # A sender that gives microseconds for milliseconds is in the year 57,000, where Python has no
    # time: the message is an alert all the same.
    wanted = messages.selectExpr(
        "topic", "partition", "offset", "value AS message",
        f"IF(timestamp > {_LATEST}, {_LATEST}, timestamp) AS message_time",
    )  # fmt: skip
    return wanted.mapInArrow(score, from_arrow_schema(told))


def score_batch(
    batch: Any,
    networks: AlertScorer,
    *,
    code_version: str,
    schemas: Mapping[int, bytes] | None = None,
    told: Any = SCORED_MESSAGES,
) -> Any:
    """One Arrow batch with the columns of :data:`KAFKA` and ``message`` -> rows of ``told``."""
    alerts = read_alerts(batch["message"].to_pylist(), STREAM_FIELDS, schemas=schemas)
    packets = alerts.packets
    good = pa.array([problem is None for problem in alerts.problems])
    columns = {
        **{name: batch[name] for name in KAFKA},
        "message": pa.compute.if_else(good, None, batch["message"]),
        **identity_columns(packets),
        **number_columns(packets, MORE_NUMBERS),
        "ssnamenr": pa.array(packets.texts["candidate.ssnamenr"], pa.string()),
        **history_columns(packets, _PREVIOUS, HISTORY, "prv_"),
        **history_columns(packets, _FORCED, FORCED, "fp_"),
        **_light_curves(packets),
        **_scores(alerts, networks),
        **stamp_columns(packets),
        **problem_columns(alerts.problems),
        "model_version": pa.array([networks.model_version] * len(packets)),
        "code_version": pa.array([code_version] * len(packets)),
    }
    return batch_of(columns, told)


def score_columns(
    features: Mapping[str, NDArray[np.float64]], images: NDArray[np.float32], networks: AlertScorer
) -> dict[str, Any]:
    """The columns ``ALERT_SCORES``; null where it cannot be scored, or no network gives that score.

    Parameters
    ----------
    features : feature -> (n,) float64, NaN for a gap
    images : (n, 63, 63, 3) float32
        All zeros for an alert without whole stamps.
    """
    found = networks.score(feature_matrix(features), images)
    nothing = np.full(len(images), np.nan, dtype=np.float32)
    scores = {label: found.get(label, nothing) for label in ALERT_SCORES}
    return {label: pa.array(values, mask=np.isnan(values)) for label, values in scores.items()}


def _light_curves(packets: Packets) -> dict[str, Any]:
    history = {name: packets.history[f"{_PREVIOUS}.{name}"] for name in HISTORY}
    forced = {name: packets.history[f"{_FORCED}.{name}"] for name in FORCED}
    candidate = {
        path.removeprefix("candidate."): values
        for path, values in packets.numbers.items()
        if path.startswith("candidate.")
    }
    found = light_curve_features(
        candidate, history, packets.offsets[_PREVIOUS], forced, packets.offsets[_FORCED]
    )
    return {name: pa.array(found[name]) for name in LIGHT_CURVE_FEATURES}


def _scores(alerts: Alerts, networks: AlertScorer) -> dict[str, Any]:
    numbers = alerts.packets.numbers
    usable = np.array([problem is None for problem in alerts.problems])
    images = np.where(usable[:, np.newaxis, np.newaxis, np.newaxis], alerts.images, 0.0)
    features = {name: numbers[f"candidate.{name}"] for name in FEATURES}
    return score_columns(features, images.astype(np.float32, copy=False), networks)

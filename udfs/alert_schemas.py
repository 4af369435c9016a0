"""The tables of alerts: what the stream reads, scores, publishes and puts aside.

Names of the alert's own columns are those of ZTF's packets.
"""

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructType,
    TimestampType,
)

from udfs.alerts.light_curve import LIGHT_CURVE_FEATURES
from udfs.alerts.metadata import FEATURES
from udfs.alerts.quality import CUTS
from udfs.table import Table, column, columns

STAMPS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
ALERT_SCORES = ("acai_h", "acai_n", "acai_v", "acai_o", "acai_b", "braai")

_NIGHT = column("night", IntegerType(), "MJD of the night, whole days; one value per night of a "
                "telescope in America", required=True)  # fmt: skip
_CODE_VERSION = column("code_version", StringType(), "lambdasky version and commit")
_ALERT = [
    _NIGHT,
    column("candid", LongType(), "the alert", required=True),
    column("objectId", StringType(), "the source of the alert stream", required=True),
    column("schemavsn", StringType(), "version of the packet"),
    column("jd", DoubleType(), "start of the exposure [Julian date, UTC]", required=True),
    column("fid", ShortType(), "filter: 1 g, 2 r, 3 i"),
    column("field", IntegerType(), "field of the survey"),
    column("rcid", ShortType(), "readout channel, 0..63"),
    column("programid", ShortType(), "0 engineering, 1 public, 2 partnership, 3 Caltech"),
    column("isdiffpos", BooleanType(), "whether the source is brighter than in the reference"),
    column("rb", DoubleType(), "real-bogus score of the survey's older classifier"),
    *columns(FEATURES, DoubleType(), "as in the packet; input of ACAI"),
]  # fmt: skip

# Delta sums up a table's log every ten commits, which takes seconds, and notes the range of 32
# columns of every file: no query on these tables looks beyond night, candid, objectId and jd.
_STREAMED = {"delta.checkpointInterval": "100", "delta.dataSkippingNumIndexedCols": "8"}

ALERTS = Table(
    "alerts",
    StructType([
        *_ALERT,
        *columns(STAMPS, BinaryType(), "FITS image, gzipped, as in the packet"),
        column("input_file", StringType(), "file that the alert was read from"),
        _CODE_VERSION,
    ]),
    ("night",),
    "Alerts with whole stamps, one row per candid",
    _STREAMED,
)  # fmt: skip

# Numbers of the candidate that cuts, filters and light curves need beside the networks' features.
MORE_NUMBERS = (
    "magap", "sigmagap", "distnr", "magnr", "sigmagnr", "elong", "aimage", "bimage", "nneg",
    "nbad", "sumrat", "magdiff", "magfromlim", "seeratio", "classtar", "ssdistnr", "ssmagnr",
    "jdstarthist", "jdendhist", "sgmag1", "srmag1",
)  # fmt: skip
# Of the previous 30 days, and of forced photometry at the same position (packets from 4.01 on).
HISTORY = ("jd", "fid", "magpsf", "sigmapsf", "isdiffpos", "diffmaglim", "magnr", "sigmagnr")
FORCED = ("jd", "fid", "forcediffimflux", "forcediffimfluxunc", "magzpsci", "magnr", "sigmagnr")
HISTORY_COLUMNS = tuple(f"prv_{name}" for name in HISTORY)
FORCED_COLUMNS = tuple(f"fp_{name}" for name in FORCED)

_KAFKA = [
    column("topic", StringType(), "where the message came from", required=True),
    column("partition", IntegerType(), "of the topic", required=True),
    column("offset", LongType(), "in the partition", required=True),
    column("message_time", TimestampType(), "when the broker got the message (UTC)"),
]


def scored_alerts_table(name: str = "scored_alerts") -> Table:
    """The table of the stream; under another name, of a night scored again."""
    return Table(
        name,
        StructType([
            *_ALERT,
            *columns(MORE_NUMBERS, DoubleType(), "as in the packet"),
            column("ssnamenr", StringType(), "nearest known solar system object"),
            *columns(HISTORY_COLUMNS, ArrayType(DoubleType()), "prv_candidates, by time; a row "
                     "without magpsf is an upper limit; isdiffpos 1 or 0"),
            *columns(FORCED_COLUMNS, ArrayType(DoubleType()), "fp_hists, by time"),
            *columns(LIGHT_CURVE_FEATURES, FloatType(), "udfs/alerts/light_curve.py"),
            *columns(ALERT_SCORES, FloatType(), "probability; null where it could not be scored"),
            *columns(tuple(f"cut_{cut}" for cut in CUTS), BooleanType(), "whether the alert passes "
                     "this cut of udfs/alerts/quality.py; null where its number is missing"),
            column("known_object_id", StringType(), "nearest star of the batch layer within 1.5 "
                   "arcsec; null: none"),
            column("known_sep_arcsec", FloatType(), "its distance [arcsec]"),
            column("known_period_day", DoubleType(), "its period [day]"),
            column("known_amp", FloatType(), "its amplitude: 5 to 95 % of the magnitudes of its "
                   "best measured band [mag]"),
            column("known_labels", MapType(StringType(), FloatType()), "label -> score, of the "
                   "labels that the batch layer gives it"),
            column("known_version", StringType(), "models that gave these labels"),
            column("anomaly", StringType(), "unclassified: real, but no class is confident; "
                   "ambiguous: several are; null: neither"),
            *_KAFKA,
            column("model_version", StringType(), "model sets that scored, joined by commas"),
            _CODE_VERSION,
        ]),
        ("night",),
        "Scored alerts, one row per candid",
        _STREAMED,
    )  # fmt: skip


SCORED_ALERTS = scored_alerts_table()

DEAD_LETTERS = Table(
    "dead_letters",
    StructType([
        *_KAFKA,
        column("reason", StringType(), "one of the closed list in udfs/alerts/reasons.py",
               required=True),
        column("column", StringType(), "field with the offending value"),
        column("value", StringType(), "the offending value"),
        column("expected", StringType(), "what would have been accepted"),
        column("candid", LongType(), "the alert, where it could be read"),
        column("objectId", StringType(), "its source, where it could be read"),
        column("message", BinaryType(), "the message as it came"),
        _CODE_VERSION,
    ]),
    (),
    "Messages that are no valid alert, with the reason",
    _STREAMED,
)  # fmt: skip

PUBLISHED = Table(
    "published",
    StructType([
        _NIGHT,
        column("filter", StringType(), "name of the file in conf/filters", required=True),
        column("candid", LongType(), "the alert", required=True),
        column("objectId", StringType(), "its source", required=True),
        column("topic", StringType(), "where it was published"),
        column("batch_id", LongType(), "micro-batch of the stream"),
        column("filter_version", StringType(), "hash of the filter's file"),
        column("model_version", StringType(), "model sets that scored it"),
        column("published", TimestampType(), "when (UTC)"),
    ]),
    ("night",),
    "Which alert was sent to which topic, one row per filter and candid",
    _STREAMED,
)  # fmt: skip

STREAM_BATCHES = Table(
    "stream_batches",
    StructType([
        column("query_id", StringType(), "the checkpoint's own number", required=True),
        column("batch_id", LongType(), "micro-batch", required=True),
        column("started", TimestampType(), "when it began (UTC)"),
        column("committed", TimestampType(), "when its alerts were in the table (UTC)"),
        column("n_messages", LongType(), "messages read"),
        column("n_alerts", LongType(), "alerts that are new in scored_alerts"),
        column("n_duplicates", LongType(), "messages of alerts that were there already"),
        column("n_dead_letters", LongType(), "messages put aside"),
        column("n_published", MapType(StringType(), LongType()), "filter -> alerts sent"),
        column("input_rate", DoubleType(), "messages per second since the batch before [1/s]"),
        column("processed_rate", DoubleType(), "messages per second of this batch [1/s]"),
        column("lag_offsets", LongType(), "messages in the topic that are not read yet"),
        column("lag_s", DoubleType(), "age of the oldest message of the batch at its commit [s]"),
        *columns(("latency_p50_s", "latency_p95_s", "latency_p99_s"), DoubleType(),
                 "from a message's arrival at the broker to the commit of its alert [s]"),
        column("seconds", MapType(StringType(), DoubleType()), "stage -> duration [s]"),
        column("model_version", StringType(), "model sets that scored"),
        column("refused_models", StringType(), "sets in production that failed their smoke "
               "prediction, and why; null: none"),
        _CODE_VERSION,
    ]),
    (),
    "What the stream did in each micro-batch",
    _STREAMED,
)  # fmt: skip

KNOWN_SOURCES = Table(
    "known_sources",
    StructType([
        column("pixel", IntegerType(), "nested HEALPix pixel of order 4: the folder",
               required=True),
        column("healpix", LongType(), "nested HEALPix index of order 29", required=True),
        column("survey", StringType(), "name of the configuration in conf/survey", required=True),
        column("object_id", StringType(), "the star, as in scores", required=True),
        column("ra", DoubleType(), "right ascension [deg, ICRS]", required=True),
        column("dec", DoubleType(), "declination [deg, ICRS]", required=True),
        column("period_day", DoubleType(), "period [day]"),
        column("amp", FloatType(), "5 to 95 % of the magnitudes of its best measured band [mag]"),
        column("labels", MapType(StringType(), FloatType()), "label -> score, those above 0.5"),
        column("model_version", StringType(), "models that gave them"),
    ]),
    ("pixel",),
    "What the batch layer knows of each star, as the stream looks it up",
)  # fmt: skip

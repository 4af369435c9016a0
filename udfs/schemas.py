"""Every table of the warehouse: its columns, their types and units, and its partitioning.

A column has one name from the input file to the last table. ``null`` means *not computed*,
``NaN`` means *computed but undefined*. The numerical names are those of SCoPe.
"""

from collections.abc import Sequence

from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from udfs.table import Table, column, columns

STATISTICS = (
    "n", "median", "wmean", "chi2red", "roms", "wstd", "norm_peak_to_peak_amp",
    "norm_excess_var", "median_abs_dev", "iqr", "i60r", "i70r", "i80r", "i90r", "skew",
    "smallkurt", "inv_vonneumannratio", "welch_i", "stetson_j", "stetson_k", "ad", "sw",
)  # fmt: skip
FOURIER = (
    "f1_power", "f1_BIC", "f1_a", "f1_b", "f1_amp", "f1_phi0", "f1_relamp1", "f1_relphi1",
    "f1_relamp2", "f1_relphi2", "f1_relamp3", "f1_relphi3", "f1_relamp4", "f1_relphi4",
)  # fmt: skip
# Of the same series: harmonic 2, and harmonic 4 relative to it.
EVEN_HARMONICS = ("f1_amp2", "f1_relamp42", "f1_contrast42", "f1_cosphi42", "f1_sinphi42")
NESTED = "ELS_ECE_EAOV"
GRID_ALGORITHMS = ("ELS", "ECE", "EAOV", NESTED)
# The period of the star, from all its bands; mode "fixed" alone has it.
BEST = "BEST"
PERIOD_ALGORITHMS = (*GRID_ALGORITHMS, BEST)
PERIOD_QUALITY = {
    "false_alarm_probability": "that noise alone has such a peak",
    "window_power": "spectral window of the star's epochs at the frequency, 0 to 1",
    "alias_family": "distance of the frequency from the nearest multiple of a cycle per sidereal "
    "day [cycles/day]: what aliases of one night's rhythm have in common",
    "alias_margin": "log-likelihood above the best alias; negative: the folded shape decided",
    "score_margin": "score above the second candidate",
    "agreement": "share of ELS, ECE, EAOV that found the period or a simple multiple",
    "family_agreement": "share of ELS, ECE, EAOV that found its alias family",
}
DMDT_SIDE = 26

ALERT_CONTEXT = ("n_ztf_alerts", "mean_ztf_alert_braai")
ALLWISE = tuple(
    f"AllWISE__{c}"
    for c in ("w1mpro", "w1sigmpro", "w2mpro", "w2sigmpro", "w3mpro", "w4mpro")
)  # fmt: skip
GAIA = tuple(
    f"Gaia_EDR3__{c}"
    for c in ("parallax", "parallax_error", "phot_bp_mean_mag", "phot_bp_rp_excess_factor",
              "phot_g_mean_mag", "phot_rp_mean_mag")
)  # fmt: skip
PS1 = tuple(f"PS1_DR1__{b}MeanPSFMag{e}" for b in "giryz" for e in ("", "Err"))
CONTEXT = ALERT_CONTEXT + ALLWISE + GAIA + PS1
CATALOGUE_IDS = ("Gaia_EDR3___id", "AllWISE___id", "PS1_DR1___id")


_SURVEY = column("survey", StringType(), "name of the configuration in conf/survey", required=True)
_FIELD = column(
    "field", IntegerType(), "survey field; a HEALPix pixel for surveys without fields",
    required=True,
)  # fmt: skip
_QUADRANT = [
    column("ccd", ByteType(), "CCD 1..16 (0: the survey has none)", required=True),
    column("quad", ByteType(), "quadrant 1..4 (0: the survey has none)", required=True),
    column("filter", ShortType(), "filter number of the survey (ZTF: 1 g, 2 r, 3 i)",
            required=True),
]  # fmt: skip
_SOURCE_ID = column("source_id", LongType(), "one light curve: a source in one filter of one "
                     "field (ZTF objectid)", required=True)  # fmt: skip
_OBJECT_ID = column("object_id", StringType(), "the star: the survey's name, or ZTFJhhmmss.ss"
                     "+ddmmss.s made from the position")  # fmt: skip
_POSITION = [
    column("ra", DoubleType(), "right ascension [deg, ICRS]; null where not published"),
    column("dec", DoubleType(), "declination [deg, ICRS]; null where not published"),
    column("healpix", LongType(), "nested HEALPix index of order 29; null without a position"),
]
_CODE_VERSION = column("code_version", StringType(), "lambdasky version and commit")
_IDENTITY = [_SURVEY, _FIELD, *_QUADRANT, _SOURCE_ID, _OBJECT_ID]

_EPOCHS = [
    column("hmjd", ArrayType(DoubleType()), "heliocentric MJD, ascending [day]"),
    column("mag", ArrayType(FloatType()), "magnitude [mag]"),
    column("magerr", ArrayType(FloatType()), "standard error of mag [mag]"),
    column("catflags", ArrayType(IntegerType()), "photometry flags, 0 is clean"),
]

LIGHT_CURVES = Table(
    "light_curves",
    StructType([
        *_IDENTITY,
        *_POSITION,
        column("n_epochs", IntegerType(), "number of epochs in the arrays", required=True),
        *_EPOCHS,
        column("content_hash", LongType(), "hash of the arrays: equal hash, equal light curve"),
        column("input_file", StringType(), "file that the row was read from"),
    ]),
    ("survey", "field"),
    "Light curves, one row per source, field, ccd, quad and filter",
)  # fmt: skip

SOURCES = Table(
    "sources",
    StructType([*_IDENTITY, *_POSITION, column("n_epochs", IntegerType(), "epochs ingested")]),
    ("survey",),
    "Positions of the light curves, in HEALPix order: the table for searches by position",
)

_SIGNIFICANCE = {
    NESTED: "AOV statistic at the period",
    BEST: "log-likelihood above constant magnitudes, all bands together",
}
FEATURES = Table(
    "features",
    StructType([
        *_IDENTITY,
        *_POSITION,
        *columns(STATISTICS, DoubleType(), "SCoPe basic statistic of the cleaned magnitudes"),
        *[column(f"period_{a}", DoubleType(), f"best period of {a} [day]")
          for a in PERIOD_ALGORITHMS],
        *[column(f"significance_{a}", DoubleType(), _SIGNIFICANCE.get(
                  a, "distance of the best value from the mean [standard deviations]"))
          for a in PERIOD_ALGORITHMS],
        *[column(f"pdot_{a}", DoubleType(), "period derivative [day/day]")
          for a in PERIOD_ALGORITHMS],
        *[column(f"{f}_{a}", DoubleType(), f"Fourier series at period_{a}")
          for a in PERIOD_ALGORITHMS for f in FOURIER],
        *[column(f"{f}_{a}", DoubleType(), f"even harmonics at period_{a}, mode fixed")
          for a in (NESTED, BEST) for f in EVEN_HARMONICS],
        column("n_harmonics", IntegerType(), "harmonics of the star's folded curves, 1 to 8"),
        *[column(name, DoubleType(), f"period_{BEST}: {comment}")
          for name, comment in PERIOD_QUALITY.items()],
        column("period_status", StringType(), "ok, no_usable_curve or no_candidate"),
        column("dmdt", ArrayType(FloatType()),
                "26 x 26 histogram of magnitude against time differences, row by row"),
        *columns(ALERT_CONTEXT, DoubleType(), "ZTF alerts within 2 arcsec"),
        *columns(ALLWISE + GAIA + PS1, DoubleType(), "nearest match within 2 arcsec"),
        *columns(CATALOGUE_IDS, LongType(), "nearest match within 2 arcsec"),
        column("mode", StringType(), "fixed or scope-v0.9.5"),
        column("backend", StringType(), "what computed the periodograms"),
        column("times", StringType(), "shared: folded at the times of the block's exposures; "
                "exact: at the epochs' own"),
        column("n_freq", IntegerType(), "length of the frequency grid"),
        column("input_hash", LongType(), "light curve, settings and code that made the row"),
        _CODE_VERSION,
    ]),
    ("survey", "field"),
    "Features of the light curves with enough clean epochs",
)  # fmt: skip

LABELS = Table(
    "labels",
    StructType([
        _SURVEY,
        column("object_id", StringType(), "the star, as in sources", required=True),
        column("label", StringType(), "abbreviation in conf/labels.toml", required=True),
        column("probability", FloatType(), "0, 0.25, 0.5, 0.75 or 1", required=True),
        column("origin", StringType(), "catalogue or person that says so", required=True),
    ]),
    ("survey",),
    "What is known of the stars, before the label trees fill in the ancestors",
)  # fmt: skip

QUARANTINE = Table(
    "quarantine",
    StructType([
        column("job", StringType(), "job that refused the row", required=True),
        column("unit", StringType(), "input file or quadrant, as in runs", required=True),
        _SURVEY,
        column("extent", StringType(), "light_curve: the row is out; epoch: some epochs are",
                required=True),
        column("reason", StringType(), "one of a closed list", required=True),
        column("input_file", StringType(), "file that the row was read from"),
        column("row", LongType(), "number of the row in that file, from 0"),
        column("source_id", LongType(), "as in light_curves, where it could be read"),
        column("object_id", StringType(), "as in light_curves, where it could be read"),
        column("column", StringType(), "column with the offending value"),
        column("value", StringType(), "the (first) offending value"),
        column("expected", StringType(), "what would have been accepted"),
        column("n_epochs", IntegerType(), "number of epochs that are out"),
        column("hmjd", ArrayType(DoubleType()), "those epochs [day]"),
        column("mag", ArrayType(FloatType()), "those epochs [mag]"),
        column("magerr", ArrayType(FloatType()), "those epochs [mag]"),
        column("catflags", ArrayType(IntegerType()), "those epochs"),
    ]),
    ("job", "survey"),
    "Rows and epochs that could not be used, with the reason",
)  # fmt: skip

RUNS = Table(
    "runs",
    StructType([
        column("run_id", StringType(), "one call of a job", required=True),
        column("job", StringType(), "name of the job", required=True),
        column("unit", StringType(), "what was finished: a file, a quadrant, a field"),
        column("fingerprint", StringType(), "hash of all that the result depends on"),
        column("arguments", StringType(), "the command line"),
        column("config_hash", StringType(), "hash of the configuration"),
        _CODE_VERSION,
        column("rows_in", LongType(), "rows read"),
        column("rows_out", LongType(), "rows written"),
        column("rows_quarantined", LongType(), "rows put aside"),
        column("seconds", DoubleType(), "wall time"),
        column("finished", TimestampType(), "when (UTC)"),
    ]),
    (),
    "What ran, on what, with what result; jobs resume from it",
)  # fmt: skip

_FILES = ArrayType(StructType([
    StructField("name", StringType()),
    StructField("sha256", StringType()),
    StructField("bytes", LongType()),
]))  # fmt: skip
MODELS = Table(
    "registry",
    StructType([
        column("algorithm", StringType(), "xgb, dnn, stack, acai or braai", required=True),
        column("label", StringType(), "abbreviation in conf/labels.toml, or an alert class",
                required=True),
        column("version", StringType(), "hash of the model set", required=True),
        column("stage", StringType(), "candidate, production or retired", required=True),
        column("folder", StringType(), "folder of the set, in the warehouse"),
        column("file", StringType(), "the model's file in that folder"),
        column("output", IntegerType(), "which output of the model is the label's"),
        column("files", _FILES, "all files that scoring needs, with their checksums"),
        column("features", ArrayType(StringType()), "what the model reads, in order"),
        column("threshold", DoubleType(), "a score above it is a yes"),
        column("average_precision", DoubleType(), "on the test part; null where undefined"),
        column("metrics", MapType(StringType(), DoubleType()), "others on the test part"),
        column("data_versions", MapType(StringType(), LongType()),
                "table -> Delta version that the training read"),
        _CODE_VERSION,
        column("created", TimestampType(), "when the model was registered (UTC)"),
        column("changed", TimestampType(), "when its stage changed last (UTC)"),
        column("reason", StringType(), "why it has its stage"),
        column("promoted", LongType(), "number of the change that put it into production; null: "
                "never was"),
        column("change", LongType(), "number of the last change of stages that concerned it; 0: "
                "none"),
    ]),
    (),
    "The models of each label and algorithm, and which of them score",
)  # fmt: skip

EXPLANATIONS = Table(
    "explanations",
    StructType([
        _SURVEY,
        _FIELD,
        column("_id", LongType(), "source_id of the light curve", required=True),
        *_QUADRANT,
        column("label", StringType(), "label that is explained", required=True),
        column("contributions", MapType(StringType(), FloatType()),
                "feature -> its share of the log-odds (SHAP)"),
        column("bias", FloatType(), "the log-odds before any feature is known"),
        column("score", FloatType(), "logistic of bias + the sum of the contributions"),
        column("model_version", StringType(), "the model set that was explained"),
        _CODE_VERSION,
    ]),
    ("survey", "field"),
    "Why the XGBoost models give a score: contributions of the features",
)  # fmt: skip


# What gives a label's scores: trees, networks, and both together.
SCORE_KINDS = ("xgb", "dnn", "stack")


def scores_table(labels: Sequence[str]) -> Table:
    """The ``scores`` table for the labels of the taxonomy.

    SCoPe's columns in SCoPe's order, then per label one column ``{label}_xgb``, ``{label}_dnn``
    and ``{label}_stack``, null where no model of that kind scored the row.
    """
    scores = [
        column(f"{label}_{kind}", FloatType(), "probability of the label")
        for kind in SCORE_KINDS
        for label in labels
    ]
    return Table(
        "scores",
        StructType([
            _SURVEY,
            column("_id", LongType(), "source_id of the light curve", required=True),
            column("obj_id", StringType(), "object_id of the star"),
            *columns(CATALOGUE_IDS, LongType(), "matched catalogue source; 0 for none"),
            *_POSITION[:2],
            column("period", DoubleType(), f"period_{BEST}, or period_{NESTED} without it [day]"),
            _FIELD,
            *_QUADRANT,
            *scores,
            column("status", StringType(), "ok, or missing_features: not scored by all models"),
            column("model_version", StringType(), "version of the trained models"),
            _CODE_VERSION,
        ]),
        ("survey", "field"),
        "Scores of the light curves, one column per label",
    )  # fmt: skip

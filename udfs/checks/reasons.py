"""The closed list of reasons for which a light curve or an epoch is put aside."""

from typing import NamedTuple


class Reason(NamedTuple):
    """Why something cannot be used, in which column, and what would have been accepted."""

    name: str
    column: str
    expected: str


MISSING_ID = Reason("missing_id", "source_id", "an identifier")
UNKNOWN_FILTER = Reason("unknown_filter", "filter", "a filter of the survey's configuration")
BAD_QUADRANT = Reason("bad_quadrant", "rcid", "rcid 0..63, ccd 1..16, quad 1..4")
BAD_POSITION = Reason("bad_position", "ra, dec", "0 <= ra < 360 and -90 <= dec <= 90")
MISSING_ARRAY = Reason("missing_array", "hmjd, mag, magerr, catflags", "arrays, not null")
UNEQUAL_LENGTHS = Reason("unequal_lengths", "hmjd, mag, magerr, catflags", "arrays of one length")
NO_EPOCHS = Reason("no_epochs", "hmjd", "at least one epoch")
NO_USABLE_EPOCHS = Reason("no_usable_epochs", "hmjd", "at least one usable epoch")
DUPLICATE_SOURCE = Reason("duplicate_source", "source_id", "one row per light curve")
TOO_FEW_EPOCHS = Reason("too_few_epochs", "hmjd", "at least min_epochs clean epochs")
BASELINE_TOO_LONG = Reason("baseline_too_long", "hmjd", "a time span of max_baseline_day at most")

TIME_NOT_FINITE = Reason("time_not_finite", "hmjd", "a finite time")
TIME_OUT_OF_RANGE = Reason("time_out_of_range", "hmjd", "min_hmjd <= hmjd <= max_hmjd")
MAG_NOT_FINITE = Reason("mag_not_finite", "mag", "a finite magnitude")
MAG_OUT_OF_RANGE = Reason("mag_out_of_range", "mag", "min_mag <= mag <= max_mag")
MAGERR_NOT_FINITE = Reason("magerr_not_finite", "magerr", "a finite error")
MAGERR_NOT_POSITIVE = Reason("magerr_not_positive", "magerr", "an error above 0")
DUPLICATE_EPOCH = Reason("duplicate_epoch", "hmjd", "times that differ within a light curve")

EPOCH_REASONS = (
    TIME_NOT_FINITE, TIME_OUT_OF_RANGE, MAG_NOT_FINITE, MAG_OUT_OF_RANGE,
    MAGERR_NOT_FINITE, MAGERR_NOT_POSITIVE, DUPLICATE_EPOCH,
)  # fmt: skip

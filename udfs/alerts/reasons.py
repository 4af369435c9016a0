"""The closed list of reasons for which an alert, or one of its stamps, cannot be used."""

from udfs.checks.reasons import Reason

EMPTY_MESSAGE = Reason("empty_message", "message", "the bytes of one alert packet")
NOT_A_CONTAINER = Reason("not_a_container", "message", "an Avro object container (Obj, 1)")
NOT_FRAMED = Reason("not_framed", "message", "a byte 0, four bytes of schema number, a record")
UNKNOWN_SCHEMA_ID = Reason("unknown_schema_id", "message", "the number of a schema that is known")
BAD_HEADER = Reason("bad_header", "message", "container metadata with avro.schema")
BAD_SCHEMA = Reason("bad_schema", "message", "an Avro schema of a ZTF alert")
UNKNOWN_CODEC = Reason("unknown_codec", "message", "codec null, deflate or snappy")
BAD_BLOCK = Reason("bad_block", "message", "one whole block that ends in the container's marker")
NOT_ONE_RECORD = Reason("not_one_record", "message", "one alert per message")
BAD_RECORD = Reason("bad_record", "message", "a record as its schema describes it")
MESSAGE_TOO_LARGE = Reason("message_too_large", "message", "at most 16 MiB, unpacked")

MISSING_CANDID = Reason("missing_candid", "candid", "an identifier above 0")
MISSING_OBJECT_ID = Reason("missing_object_id", "objectId", "the name of the source")
BAD_TIME = Reason("bad_time", "jd", "a Julian date from 2000 to 2100")
BAD_ALERT_POSITION = Reason("bad_position", "ra, dec", "0 <= ra < 360 and -90 <= dec <= 90")
DUPLICATE_ALERT = Reason("duplicate_alert", "candid", "one packet per alert")

MISSING_CUTOUT = Reason("missing_cutout", "stampData", "a gzipped FITS image")
BAD_GZIP = Reason("bad_gzip", "stampData", "an intact gzip stream")
CUTOUT_TOO_LARGE = Reason("cutout_too_large", "stampData", "at most 63 x 63 pixels")
BAD_FITS = Reason("bad_fits", "stampData", "a FITS header with SIMPLE, BITPIX, NAXIS and END")
BAD_PIXEL_TYPE = Reason("bad_pixel_type", "stampData", "two axes of float pixels (BITPIX -32, -64)")
SHORT_FITS = Reason("short_fits", "stampData", "as many pixels as the header announces")
BLANK_CUTOUT = Reason("blank_cutout", "stampData", "at least one pixel that is neither 0 nor NaN")

MESSAGE_REASONS = (
    EMPTY_MESSAGE, NOT_A_CONTAINER, NOT_FRAMED, UNKNOWN_SCHEMA_ID, BAD_HEADER, BAD_SCHEMA,
    UNKNOWN_CODEC, BAD_BLOCK, NOT_ONE_RECORD, BAD_RECORD, MESSAGE_TOO_LARGE, MISSING_CANDID,
    MISSING_OBJECT_ID, BAD_TIME, BAD_ALERT_POSITION, DUPLICATE_ALERT,
)  # fmt: skip
CUTOUT_REASONS = (
    MISSING_CUTOUT, BAD_GZIP, CUTOUT_TOO_LARGE, BAD_FITS, BAD_PIXEL_TYPE, SHORT_FITS, BLANK_CUTOUT,
)  # fmt: skip


class BadAlert(Exception):
    """A message or stamp that cannot be used: a reason of the closed list, and what was found."""

    def __init__(self, reason: Reason, value: str) -> None:
        super().__init__(f"{reason.name}: {value}; expected {reason.expected}")
        self.reason = reason
        self.value = value

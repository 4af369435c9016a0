"""Alert packets made by hand: ZTF's layout with the fields that are read and a few that are not."""

import gzip
import io
from typing import Any

import fastavro
import numpy as np
from astropy.io import fits

from udfs.alerts.metadata import FEATURES

_CUTOUT = {
    "type": "record",
    "name": "ztf.alert.cutout",
    "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
}
_MEASURED = ("magpsf", "sigmapsf", "diffmaglim")
NEEDED = {"jd": "double", "fid": "int", "candid": "long", "isdiffpos": "string", "ra": "double",
          "dec": "double"}  # fmt: skip


def schema(**changes: Any) -> dict[str, Any]:
    """The writer's schema; ``changes`` replace types of fields of the candidate (None drops)."""
    types: dict[str, Any] = {**NEEDED, "field": ["null", "int"], "rcid": ["null", "int"],
        "programid": "int", "rb": ["null", "float"],
        **{n: ["null", "float"] for n in FEATURES if n not in NEEDED},
        "ssnamenr": ["null", "string"], **changes}  # fmt: skip
    candidate = [{"name": n, "type": t} for n, t in types.items() if t is not None]
    previous = [{"name": n, "type": ["null", "float"]} for n in _MEASURED]
    previous += [{"name": n, "type": NEEDED[n]} for n in ("jd", "fid")]
    previous.append({"name": "isdiffpos", "type": ["null", "string"]})
    listed = {"type": "array", "items": {
        "type": "record", "name": "ztf.alert.prv_candidate", "fields": previous}}  # fmt: skip
    return {
        "type": "record",
        "name": "ztf.alert",
        "fields": [
            {"name": "schemavsn", "type": "string"},
            {"name": "objectId", "type": "string"},
            {"name": "candid", "type": ["null", "long"], "default": None},
            {"name": "candidate", "type": {
                "type": "record", "name": "ztf.alert.candidate", "fields": candidate}},
            {"name": "prv_candidates", "type": ["null", listed], "default": None},
            {"name": "cutoutScience", "type": ["null", _CUTOUT], "default": None},
            *[{"name": f"cutout{c}", "type": ["null", "ztf.alert.cutout"], "default": None}
              for c in ("Template", "Difference")],
        ],
    }  # fmt: skip


def record(candid: int, /, **changes: Any) -> dict[str, Any]:
    """One alert as the writer takes it; ``changes`` replace fields of the candidate."""
    rng = np.random.default_rng(candid % 2**32)
    candidate = {name: float(rng.uniform(0, 20)) for name in FEATURES}
    candidate |= {"jd": 2460000.5 + candid % 7, "fid": 1, "candid": candid, "isdiffpos": "t",
                  "ra": 10.0, "dec": -5.0, "field": 245, "rcid": 3, "programid": 1, "rb": 0.7,
                  "drb": 0.9, "ssnamenr": None}  # fmt: skip
    previous = [
        {"jd": candidate["jd"] - day, "fid": 2, "isdiffpos": None if day == 2 else "f",
         "magpsf": None if day == 2 else 18.5, "sigmapsf": 0.125, "diffmaglim": 20.5}
        for day in (3, 2, 1)
    ]  # fmt: skip
    images = {
        f"cutout{c}": {"fileName": "x.fits.gz", "stampData": stamp(rng.normal(5, 1, (63, 63)))}
        for c in ("Science", "Template", "Difference")
    }
    return {"schemavsn": "3.3", "objectId": f"ZTF24{candid:07d}"[:12], "candid": candid,
            "candidate": candidate | changes, "prv_candidates": previous, **images}  # fmt: skip


def packet(
    alert: dict[str, Any], written: dict[str, Any] | None = None, codec: str = "null"
) -> bytes:
    """The alert as an Avro object container."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(written or schema()), [alert], codec=codec)
    return buffer.getvalue()


def stamp(pixels: np.ndarray, dtype: str = ">f4") -> bytes:
    """A gzipped FITS image."""
    buffer = io.BytesIO()
    fits.PrimaryHDU(np.asarray(pixels).astype(dtype)).writeto(buffer)
    return gzip.compress(buffer.getvalue(), 1, mtime=0)

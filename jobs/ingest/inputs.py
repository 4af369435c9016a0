"""The input files: which there are, whether they can be read, which rows they hold."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    FloatType,
    FractionalType,
    IntegralType,
    StringType,
    StructType,
)

from jobs.common.config import Form, Survey
from jobs.common.files import file_size, list_files, modified
from udfs.errors import ContractError

NUMBER, INTEGER, TEXT, ANY_ID = "a number", "an integer", "text or an integer", "an integer or text"
_KINDS = {
    "source_id": INTEGER, "object_id": ANY_ID, "filter": TEXT, "field": INTEGER, "rcid": INTEGER,
    "ccd": INTEGER, "quad": INTEGER, "ra": NUMBER, "dec": NUMBER,
    "hmjd": NUMBER, "mag": NUMBER, "magerr": NUMBER, "catflags": INTEGER,
}  # fmt: skip
_ARRAYS = ("hmjd", "mag", "magerr", "catflags")


@dataclass(frozen=True)
class InputFile:
    """One readable Parquet file."""

    path: str
    size: int
    modified: int
    rows: int
    schema: StructType


@dataclass(frozen=True)
class BadFile:
    """One file that cannot be read, with the reason in a few words."""

    path: str
    reason: str
    value: str


def find_inputs(spark: SparkSession, paths: Sequence[str]) -> tuple[list[InputFile], list[BadFile]]:
    """All Parquet files under the paths: those with rows that can be read, and the others."""
    good: list[InputFile] = []
    bad: list[BadFile] = []
    for path in sorted({f for p in paths for f in list_files(spark, p, suffix=".parquet")}):
        size = file_size(spark, path)
        if size == 0:
            bad.append(BadFile(path, "empty_file", "0 bytes"))
            continue
        try:
            rows = _count_rows(spark, path)
            schema = spark.read.parquet(path).schema
        except (Py4JJavaError, PySparkException) as error:
            bad.append(BadFile(path, "unreadable_file", _first_line(error)))
            continue
        if rows == 0:
            bad.append(BadFile(path, "empty_file", "0 rows"))
        else:
            good.append(InputFile(path, size, modified(spark, path), rows, schema))
    return good, bad


def choose_form(survey: Survey, schema: StructType, *, path: str, wanted: str | None) -> str:
    """Name of the form whose columns the file has.

    Raises
    ------
    ContractError
        If the survey has no files, or no form (or not the ``wanted`` one) fits, naming the column
        that is missing or of a wrong type in the form that comes nearest.
    """
    if not survey.forms:
        raise ContractError(
            f"survey {survey.name} has no files: fold_night makes its light curves from alerts"
        )
    if wanted is not None and wanted not in survey.forms:
        raise ContractError(
            f"--form {wanted}: survey {survey.name} has the forms {', '.join(survey.forms)}"
        )
    faults = {
        name: _faults(form, schema) for name, form in survey.forms.items() if wanted in (None, name)
    }
    best = min(faults, key=lambda name: len(faults[name]))
    if faults[best]:
        raise ContractError(f"{path} (form {best}): {'; '.join(faults[best])}")
    return best


def _faults(form: Form, schema: StructType) -> list[str]:
    types: Mapping[str, DataType] = {f.name: f.dataType for f in schema}
    faults = []
    for ours, theirs in form.columns.items():
        expected = _KINDS[ours]
        as_array = form.layout == "light_curves" and ours in _ARRAYS
        wanted = f"an array of {expected.split(' ', 1)[1]}s" if as_array else expected
        if theirs not in types:
            near = difflib.get_close_matches(theirs, types, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(types)}"
            faults.append(f"column {theirs!r} ({wanted}) is missing; {hint}")
        elif not _fits(types[theirs], expected, as_array=as_array):
            faults.append(f"column {theirs!r} is {types[theirs].simpleString()}, expected {wanted}")
    return faults


def _fits(dtype: DataType, kind: str, *, as_array: bool) -> bool:
    if as_array:
        return isinstance(dtype, ArrayType) and _fits(dtype.elementType, kind, as_array=False)
    if kind == NUMBER:
        return isinstance(dtype, FractionalType | IntegralType | DoubleType | FloatType)
    if kind == INTEGER:
        return isinstance(dtype, IntegralType)
    return isinstance(dtype, IntegralType | StringType)


def _count_rows(spark: SparkSession, path: str) -> int:
    """Rows by the footer alone: a truncated file has none and raises here."""
    jvm: Any = spark.sparkContext._jvm
    conf = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop = jvm.org.apache.parquet.hadoop
    source = hadoop.util.HadoopInputFile.fromPath(jvm.org.apache.hadoop.fs.Path(path), conf)
    reader = hadoop.ParquetFileReader.open(source)
    try:
        return int(reader.getRecordCount())
    finally:
        reader.close()


def _first_line(error: Exception) -> str:
    if isinstance(error, Py4JJavaError):
        text = str(error.java_exception.getMessage() or error.java_exception.getClass().getName())
    else:
        text = str(error)
    return text.strip().splitlines()[0][:300]

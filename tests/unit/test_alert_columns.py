import pyarrow as pa

from udfs.alerts.columns import batch_of


def test_numbers_that_do_not_fit_are_null_and_not_others():
    columns = {
        "fid": pa.array([1.0, 70_000.0, -40_000.0, None, 32_767.0]),
        "jd": pa.array([1.5, 1e300, None, 0.0, -1.0]),
    }
    schema = pa.schema([("jd", pa.float64()), ("fid", pa.int16())])
    batch = batch_of(columns, schema)
    assert batch["fid"].to_pylist() == [1, None, None, None, 32_767]
    assert batch["jd"].to_pylist() == columns["jd"].to_pylist()

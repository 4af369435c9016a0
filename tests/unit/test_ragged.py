import numpy as np
import pyarrow as pa
import pytest

from udfs.ragged import check_offsets, from_arrow, to_arrow

ROWS = [[1.0, 2.0], [], [3.5], [4.0, 5.0, 6.0]]


@pytest.mark.parametrize("list_type", [pa.list_, pa.large_list])
@pytest.mark.parametrize("value_type", [pa.float64(), pa.float32(), pa.int32()])
def test_flat_values_and_offsets_of_a_list_column(list_type, value_type):
    rows = [[int(v) for v in row] for row in ROWS]
    values, offsets = from_arrow(pa.array(rows, list_type(value_type)), name="mag")
    assert values.dtype == np.float64
    assert offsets.dtype == np.int64
    assert values.tolist() == [1, 2, 3, 4, 5, 6]
    assert offsets.tolist() == [0, 2, 2, 3, 6]


def test_a_slice_gives_only_its_own_rows():
    values, offsets = from_arrow(pa.array(ROWS).slice(2, 2), name="mag")
    assert values.tolist() == [3.5, 4, 5, 6]
    assert offsets.tolist() == [0, 1, 4]


def test_chunks_are_joined():
    column = pa.chunked_array([pa.array(ROWS[:1]), pa.array(ROWS).slice(1, 2), pa.array(ROWS[3:])])
    values, offsets = from_arrow(column, name="mag")
    assert values.tolist() == [1, 2, 3.5, 4, 5, 6]
    assert offsets.tolist() == [0, 2, 2, 3, 6]


@pytest.mark.parametrize(
    "column",
    [pa.array([], pa.list_(pa.float64())), pa.chunked_array([], pa.list_(pa.float64()))],
)
def test_no_rows(column):
    values, offsets = from_arrow(column, name="mag")
    assert values.size == 0
    assert offsets.tolist() == [0]


def test_back_to_arrow():
    values, offsets = from_arrow(pa.array(ROWS), name="mag")
    assert to_arrow(values, offsets, value_type=pa.float64()).to_pylist() == ROWS


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0], None, [2.0]], "mag: row 1 is null"),
        ([[1.0, None], [2.0]], "1 of 3 values inside the lists are null"),
    ],
)
def test_null_is_named(rows, message):
    with pytest.raises(ValueError, match=message):
        from_arrow(pa.array(rows, pa.list_(pa.float64())), name="mag")


def test_a_null_outside_the_slice_does_not_matter():
    values, _ = from_arrow(pa.array([[None], [1.0]], pa.list_(pa.float64())).slice(1), name="mag")
    assert values.tolist() == [1.0]


@pytest.mark.parametrize("column", [pa.array([1.0]), pa.array([["a"]])])
def test_other_types_are_refused(column):
    with pytest.raises(TypeError, match="expected a list of numbers"):
        from_arrow(column, name="mag")


@pytest.mark.parametrize("offsets", [[0, 3, 2, 4], [1, 4], [0, 3], []])
def test_offsets_must_cut_the_array(offsets):
    with pytest.raises(ValueError, match="offsets"):
        check_offsets(np.array(offsets, np.int64), time=np.zeros(4))

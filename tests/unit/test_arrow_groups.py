import pyarrow as pa
import pytest

from udfs.arrow_groups import tables_by_key

ROWS = {
    "a": [1, 1, 1, 1, 2, 2, 3],
    "b": [5, 5, 6, 6, 6, 6, 6],
    "x": [[0], [1, 2], [], [3], [4], [5], [6]],
}
GROUPS = [[[0], [1, 2]], [[], [3]], [[4], [5]], [[6]]]


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [3, 4], [0, 2, 0, 5, 0], [5, 2]])
def test_tables_do_not_depend_on_the_batches(sizes):
    whole = pa.RecordBatch.from_pydict(ROWS)
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    batches = [whole.slice(start, size) for start, size in zip(starts, sizes, strict=True)]
    found = list(tables_by_key(batches, ("a", "b")))
    assert [t["x"].to_pylist() for t in found] == GROUPS
    assert all(t["x"].num_chunks == 1 for t in found)


def test_no_rows_make_no_tables():
    empty = pa.RecordBatch.from_pydict({"a": pa.array([], pa.int64())})
    assert list(tables_by_key([], ("a",))) == []
    assert list(tables_by_key([empty, empty], ("a",))) == []

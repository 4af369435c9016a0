"""The training table that the processes of a machine share."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from models.networks.table import NetworkTable, once_per_node
from models.splits import TEST, TRAIN, VALIDATION


@pytest.fixture
def table():
    n = 60
    rng = np.random.default_rng(0)
    part = np.repeat([TRAIN, VALIDATION, TEST], n // 3).astype(np.int8)
    return NetworkTable(
        survey=np.full(n, "toy"),
        object_id=np.array([f"star{i:03d}" for i in range(n)]),
        source_id=np.arange(n) + 10**17,
        star=np.arange(n),
        part=part,
        features=rng.normal(size=(n, 4)).astype(np.float32),
        dmdt=rng.random((n, 676)).astype(np.float32),
        targets=np.stack([np.arange(n) % 2, np.arange(n) % 3 - 1], axis=1).astype(np.int8),
        labels=("ea", "rrab"),
    )


def test_written_table_comes_back(table, tmp_path):
    table.write(tmp_path)
    found = NetworkTable.open(tmp_path)
    assert found.labels == ("ea", "rrab")
    for name in ("survey", "object_id", "source_id", "part", "features", "dmdt", "targets"):
        np.testing.assert_array_equal(getattr(found, name), getattr(table, name))
    assert isinstance(found.dmdt, np.memmap)


def test_examples_are_the_rows_of_the_part_that_know_an_answer(table):
    both = table.examples(TRAIN, ("ea", "rrab"), features=table.features)
    np.testing.assert_array_equal(both.rows, np.arange(20))
    one = table.examples(TRAIN, ("rrab",), features=table.features, weights={"rrab": 3.0})
    np.testing.assert_array_equal(one.rows, [i for i in range(20) if i % 3 != 0])
    inputs, target, weight = one.take(one.rows)
    np.testing.assert_array_equal(inputs[1].reshape(-1, 676), table.dmdt[one.rows])
    np.testing.assert_array_equal(target[:, 0], one.rows % 3 == 2)
    np.testing.assert_array_equal(weight[:, 0], np.where(target[:, 0] == 1, 3.0, 1.0))


def test_labels_that_cannot_be_trained_say_why(table):
    assert table.why_untrainable("ea", 30) is None
    assert table.why_untrainable("rrab", 30) == "20 positive light curves, 30 needed"
    table.targets[table.part == VALIDATION, 0] = 0
    assert table.why_untrainable("ea", 10) == (
        "all examples of one class fell outside the validation part"
    )


def _fill_once(folder: Path, told: Path) -> None:
    def fill(partial: Path) -> None:
        with open(told, "a") as lines:
            lines.write("filled\n")
        (partial / "rows").write_text("here")

    assert (once_per_node(folder, fill) / "rows").read_text() == "here"


def test_one_process_of_many_fills_the_folder(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_fill_once, args=(tmp_path / "table", tmp_path / "told"))
        for _ in range(6)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert (tmp_path / "told").read_text() == "filled\n"


def test_a_killed_filling_leaves_nothing_that_looks_full(tmp_path):
    def killed(partial: Path) -> None:
        (partial / "rows").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once_per_node(tmp_path / "table", killed)
    assert not (tmp_path / "table").exists()
    _fill_once(tmp_path / "table", tmp_path / "told")

import pandas as pd
import pytest

from jobs.common.tables import Warehouse
from jobs.ingest_labels import main
from udfs.errors import ContractError
from udfs.schemas import LABELS, QUARANTINE

MAP = """
origin = "O'Toole 2020"
decides = ["e", "ea", "rrlyr", "rrab"]
[classes]
A = { pnp = 1, ea = 0.75 }
B = { rrab = 1 }
"""


@pytest.fixture
def catalogue(tmp_path):
    """Three stars of known classes (one listed twice), one unknown, one without a class."""
    path = tmp_path / "objects.parquet"
    pd.DataFrame(
        {"name": ["s1", "s2", "s3", "s3", "s4", "s5"], "type": ["A", "B", "B", "B", "C", None]}
    ).to_parquet(path)
    (tmp_path / "map.toml").write_text(MAP)
    return path


def ingest(warehouse: Warehouse, path, *more):
    main(["--warehouse", warehouse.root, "--survey", "toy", "--objects", str(path), *more])


def flags(path):
    return ["--map", str(path.parent / "map.toml"), "--id-column", "name",
            "--class-column", "type"]  # fmt: skip


def labels_of(warehouse):
    rows = warehouse.read(LABELS).collect()
    return {(r["object_id"], r["label"]): r["probability"] for r in rows}


EXPECTED = {
    ("s1", "pnp"): 1.0, ("s1", "ea"): 0.75, ("s1", "rrlyr"): 0.0, ("s1", "rrab"): 0.0,
    ("s2", "rrab"): 1.0, ("s2", "e"): 0.0, ("s2", "ea"): 0.0,
    ("s3", "rrab"): 1.0, ("s3", "e"): 0.0, ("s3", "ea"): 0.0,
}  # fmt: skip


def test_classes_become_labels_with_explicit_zeros(warehouse, catalogue):
    ingest(warehouse, catalogue, *flags(catalogue))
    assert labels_of(warehouse) == EXPECTED
    assert {r["origin"] for r in warehouse.read(LABELS).collect()} == {"O'Toole 2020"}
    put_aside = {
        (r["object_id"], r["value"], r["reason"]) for r in warehouse.read(QUARANTINE).collect()
    }
    assert put_aside == {("s4", "C", "unknown_class"), ("s5", None, "unknown_class")}


def test_ingesting_twice_changes_nothing_and_other_origins_stay(warehouse, catalogue):
    ingest(warehouse, catalogue, *flags(catalogue), "--origin", "first")
    ingest(warehouse, catalogue, *flags(catalogue))
    ingest(warehouse, catalogue, *flags(catalogue))
    rows = warehouse.read(LABELS).groupBy("origin").count().collect()
    assert {r["origin"]: r["count"] for r in rows} == {
        "first": len(EXPECTED), "O'Toole 2020": len(EXPECTED),
    }  # fmt: skip
    assert warehouse.read(QUARANTINE).count() == 2


def test_csv_with_numeric_names(warehouse, catalogue):
    path = catalogue.with_suffix(".csv")
    path.write_text("name,type\n17,A\n18,B\n")
    ingest(warehouse, path, *flags(catalogue))
    assert {star for star, _ in labels_of(warehouse)} == {"17", "18"}


def test_lists_of_labels_are_complete(warehouse, tmp_path):
    """As the simulator writes them: per light curve, leaves only, empty for constant stars."""
    path = tmp_path / "truth.parquet"
    pd.DataFrame(
        {"object_id": ["s1", "s1", "s2", "s3"], "labels": [["rrab"], ["saw"], [], ["ea", "saw"]]}
    ).to_parquet(path)
    ingest(warehouse, path, "--map", "simulated", "--class-column", "labels")
    found = labels_of(warehouse)
    assert {k: v for k, v in found.items() if v > 0} == {
        ("s1", "rrab"): 1.0, ("s1", "saw"): 1.0, ("s2", "nonvar"): 1.0,
        ("s3", "ea"): 1.0, ("s3", "saw"): 1.0,
    }  # fmt: skip
    zeros = {star: {label for s, label in found if s == star and not found[s, label]}
             for star in ("s1", "s2", "s3")}  # fmt: skip
    assert zeros["s1"] == {"nonvar", "e", "ea"}
    assert zeros["s2"] == {"vnv", "pnp", "saw", "e", "ea", "puls", "rrlyr", "rrab"}
    assert zeros["s3"] == {"nonvar", "puls", "rrlyr", "rrab"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("rrab = 1", "rrabb = 1"), "rrabb.*did you mean 'rrab'"),
        (("A = {", "X = {"), None),
        (("[classes]", "[clases]"), "unknown key 'clases'; did you mean 'classes'"),
    ],
)
def test_errors_are_found_before_anything_is_written(warehouse, catalogue, change, message):
    (catalogue.parent / "map.toml").write_text(MAP.replace(*change))
    if message is None:
        ingest(warehouse, catalogue, *flags(catalogue))
        assert warehouse.read(QUARANTINE).where("value = 'A'").count() == 1
        return
    with pytest.raises(ContractError, match=message):
        ingest(warehouse, catalogue, *flags(catalogue))
    assert not warehouse.exists(LABELS)


def test_wrong_columns_conflicts_and_foreign_maps_are_named(warehouse, catalogue):
    with pytest.raises(ContractError, match="no column 'class'; there are: name, type"):
        ingest(warehouse, catalogue, *flags(catalogue)[:-2])
    with pytest.raises(ContractError, match="none of its classes"):
        ingest(warehouse, catalogue, "--map", "crts_csdr1", *flags(catalogue)[2:])
    pd.DataFrame({"name": ["s1", "s1"], "type": ["A", "B"]}).to_parquet(catalogue)
    with pytest.raises(ContractError, match="s1 has 2 different classes"):
        ingest(warehouse, catalogue, *flags(catalogue))

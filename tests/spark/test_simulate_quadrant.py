from collections import Counter

import pyarrow.dataset as ds
import pytest

from jobs.simulate_quadrant import main
from jobs.simulation.arguments import parse_quadrants, read_settings
from jobs.simulation.tasks import simulate, star_ranges
from udfs.errors import ContractError
from udfs.simulator import QuadrantSpec, simulate_stars


def _table(folder, key):
    return ds.dataset(folder).to_table().sort_by(key)


def test_job_writes_what_the_pure_functions_give(spark, tmp_path):
    spec = QuadrantSpec(579, 2, 3, n_stars=25, seed=4, years=1)
    counts = simulate(spark, star_ranges([spec], 10), str(tmp_path)).collect()
    expected = simulate_stars(spec, 0, 25)
    assert _table(tmp_path / "light_curves", "objectid").equals(
        expected.light_curves.sort_by("objectid")
    )
    truth = expected.truth.sort_by("source_id")
    assert _table(tmp_path / "truth.parquet", "source_id").equals(truth)
    rows = Counter(truth["class"].to_pylist())
    stars = Counter(
        name for name, _ in {(r["class"], r["source_id"] % 10**8) for r in truth.to_pylist()}
    )
    assert {r["class"]: (r.stars, r.light_curves) for r in counts} == {
        name: (stars[name], rows[name]) for name in rows
    }


def test_second_run_replaces_the_first_and_leaves_other_files(spark, tmp_path):
    def run(*more):
        main(["--output", str(tmp_path), "--field", "579", "--years", "0.5", *more])

    run("--stars", "30", "--stars-per-task", "10")
    stranger = tmp_path / "light_curves" / "ztf_000250_zg_c01_q1_dr5.parquet"
    stranger.write_bytes(b"real data")
    run("--stars", "12", "--stars-per-task", "7")
    assert stranger.read_bytes() == b"real data"
    stranger.unlink()
    spec = QuadrantSpec(579, n_stars=12, years=0.5)
    expected = simulate_stars(spec, 0, 12)
    assert _table(tmp_path / "light_curves", "objectid").equals(
        expected.light_curves.sort_by("objectid")
    )
    assert not list(tmp_path.rglob("*.partial"))


def test_several_quadrants_are_named():
    assert parse_quadrants("250/1/1, 487/16/4") == [(250, 1, 1), (487, 16, 4)]
    with pytest.raises(ContractError, match="250-1-1"):
        parse_quadrants("250-1-1")
    with pytest.raises(ContractError, match="once only"):
        parse_quadrants("250/1/1,250/1/1")


def test_missing_settings_file_is_named():
    with pytest.raises(ContractError, match=r"nowhere\.toml"):
        read_settings("nowhere.toml")


def test_field_without_a_centre_stops_before_the_first_task():
    with pytest.raises(ContractError, match="field=1400"):
        star_ranges([QuadrantSpec(1400, n_stars=5)], 10)

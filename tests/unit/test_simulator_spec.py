import tomllib
from pathlib import Path

import pytest

from udfs.errors import ContractError
from udfs.simulator import QuadrantSpec, with_settings
from udfs.simulator.spec import settings_of

SETTINGS = Path(__file__).resolve().parents[2] / "conf" / "simulator.toml"


def test_the_configuration_file_states_the_defaults():
    assert tomllib.loads(SETTINGS.read_text()) == settings_of(QuadrantSpec(250))


def test_a_setting_changes_one_value_only():
    changed = with_settings(QuadrantSpec(250), {"cadence": {"r": {"revisit_nights": 5}}})
    assert changed.cadence["r"].revisit_nights == 5
    assert changed.cadence["r"].dark_limit_mag == 21.30
    assert changed.cadence["g"] == QuadrantSpec(250).cadence["g"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sight": {}}, r"unknown table \[sight\]"),
        ({"site": {"latitude": 3}}, "unknown key 'latitude'"),
        ({"cadence": {"z": {}}}, "expected one of g, r, i"),
        ({"class_mix": {"rrlyr": 1.0}}, "unknown .*rrlyr"),
        ({"class_mix": {"rrab": 0.0}}, "at least one above 0"),
    ],
)
def test_unknown_settings_are_refused(settings, message):
    with pytest.raises(ContractError, match=message):
        with_settings(QuadrantSpec(250), settings)


@pytest.mark.parametrize(
    "change", [{"ccd": 17}, {"quad": 0}, {"n_stars": -1}, {"years": 0.0}, {"bands": ("z",)}]
)
def test_impossible_quadrants_are_refused(change):
    with pytest.raises(ContractError, match=next(iter(change)).rstrip("s")):
        QuadrantSpec(**({"field": 250} | change))

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.simulator import QuadrantSpec, simulate_stars

N_STARS = 12


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    cuts=st.sets(st.integers(1, N_STARS - 1), max_size=4),
    more=st.integers(0, 100),
)
def test_a_star_is_the_same_in_every_partition(seed, cuts, more):
    spec = QuadrantSpec(579, n_stars=N_STARS, seed=seed, years=1)
    whole = simulate_stars(spec, 0, N_STARS)
    # Neither the range nor the size of the quadrant may matter.
    larger = QuadrantSpec(579, n_stars=N_STARS + more, seed=seed, years=1)
    edges = [0, *sorted(cuts), N_STARS]
    parts = [simulate_stars(larger, *edges[k : k + 2]) for k in range(len(edges) - 1)]
    assert pa.concat_tables([p.light_curves for p in parts]).equals(whole.light_curves)
    assert pa.concat_tables([p.truth for p in parts]).equals(whole.truth)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_seed_field_and_quadrant_change_the_stars(seed):
    def positions(field, quad, seed):
        spec = QuadrantSpec(field, 1, quad, n_stars=1, seed=seed, years=1, bands=("r",))
        return simulate_stars(spec, 0, 1).truth["ra"].to_pylist()

    places = [(579, 1, seed), (580, 1, seed), (579, 2, seed), (579, 1, seed + 1)]
    assert len({str(positions(*place)) for place in places}) == len(places)

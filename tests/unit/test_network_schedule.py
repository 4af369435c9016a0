"""The learning rate and the stop are decided by a state that only the validation loss moves."""

import math

import pytest

from models.networks.schedule import Schedule, State


def run(schedule: Schedule, losses: list[float]) -> State:
    state = State()
    for loss in losses:
        state = schedule.after_epoch(state, loss)
    return state


def test_rate_climbs_to_the_peak_and_stays():
    schedule = Schedule(learning_rate=3e-4, warmup_epochs=2.0)
    assert schedule.rate(State(), 1.0, 64) == pytest.approx(1.5e-4)
    assert schedule.rate(State(), 2.0, 64) == pytest.approx(3e-4)
    assert schedule.rate(State(), 9.0, 64) == pytest.approx(3e-4)


def test_rate_grows_with_the_root_of_the_batch():
    schedule = Schedule(learning_rate=3e-4, warmup_epochs=0.0)
    assert schedule.rate(State(), 0.0, 1024) == pytest.approx(4 * 3e-4)


def test_rate_falls_on_a_plateau_and_only_there():
    schedule = Schedule(reduce_patience=3, reduce_factor=0.5, stop_patience=99)
    assert run(schedule, [1.0, 0.9, 0.8, 0.7]).factor == 1.0
    assert run(schedule, [1.0, 1.1, 1.1]).factor == 1.0
    assert run(schedule, [1.0, 1.1, 1.1, 1.1]).factor == 0.5
    assert run(schedule, [1.0] + [1.1] * 6).factor == 0.25


def test_a_change_within_min_delta_is_no_improvement():
    schedule = Schedule(min_delta=0.01)
    state = run(schedule, [1.0, 0.995])
    assert (state.best_loss, state.best_epoch, state.since_best) == (1.0, 0, 1)


def test_stops_after_its_patience_and_remembers_the_best_epoch():
    schedule = Schedule(stop_patience=4)
    state = run(schedule, [1.0, 0.5, 0.6, 0.6, 0.6])
    assert not schedule.is_over(state)
    state = schedule.after_epoch(state, math.nan)
    assert schedule.is_over(state)
    assert (state.best_epoch, state.best_loss, state.epoch) == (1, 0.5, 6)

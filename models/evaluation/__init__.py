"""Judging scores: calibration, consistency, stacking, agreement, groups and superclasses."""

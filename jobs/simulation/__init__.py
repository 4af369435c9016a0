"""Tasks of simulate_quadrant: one range of stars each, written where it is made."""

"""The period of a star from the grid statistics of all its light curves."""

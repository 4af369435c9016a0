"""Period search: frequency grid, one folder per periodogram, and the choice of the period."""

"""Features of light curves, one family a module."""

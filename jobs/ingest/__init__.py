"""Reading light curves of any survey into the warehouse."""

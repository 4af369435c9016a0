"""What a light curve must be before it enters the warehouse."""

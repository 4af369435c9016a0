"""The speed layer: alerts are scored here as they arrive. Nothing is in it yet."""

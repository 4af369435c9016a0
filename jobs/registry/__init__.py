"""The registry of models: which are there, and which of them score."""

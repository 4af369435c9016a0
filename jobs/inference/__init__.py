"""Scoring whole fields."""

"""Alerts: packets into the warehouse, and networks trained on them."""

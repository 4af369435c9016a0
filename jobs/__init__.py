"""Batch jobs: each module is an entry point for spark-submit."""

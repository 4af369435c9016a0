"""Training in parallel: many labels as Spark tasks, large ones on all executors."""

"""Features in, scores out: label trees, imputation, training, prediction."""

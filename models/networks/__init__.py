"""The neural networks: what they are, how they are trained on one or many ranks, how they score."""

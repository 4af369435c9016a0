"""ACAI and braai: classifiers of single alerts by their stamps and 25 numbers.

Duev and van der Walt 2021 (arXiv:2111.12142); Duev et al. 2019 (doi:10.1093/mnras/stz2357).
"""

"""Which light curves belong to one star, and which stars are computed together."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

SAME_STAR_ARCSEC = 1.5
# What one star takes for one exposure in the kernels' layouts, all algorithms together.
_BYTES_PER_CELL = 56


@dataclass(frozen=True)
class BlockSettings:
    """How many stars are computed together.

    Attributes
    ----------
    stars : int
        Most stars of a block. Light curves that share exposures are the faster the more of them
        there are, up to some hundreds.
    megabytes : int
        Memory that the arrays of a block may take; it lowers the number of stars where the light
        curves are long.
    """

    stars: int = 512
    megabytes: int = 256

    def __post_init__(self) -> None:
        """Refuse a block of nothing."""
        for name in ("stars", "megabytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected 1 or more")


def same_star(
    object_ids: NDArray[np.str_], ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Number of the star of each light curve.

    Light curves are of one star if they bear one name or lie within 1.5 arcsec of each other;
    chains count.

    Parameters
    ----------
    object_ids : (n,) str
    ra, dec : (n,) float64, degrees
        NaN where unknown.

    Returns
    -------
    (n,) int64, 0 .. n_star - 1, in the order of the smallest name of each star.
    """
    names, name = np.unique(object_ids, return_inverse=True)
    here = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    lon, lat = np.deg2rad(ra[here]), np.deg2rad(dec[here])
    vectors = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    chord = 2.0 * np.sin(np.deg2rad(SAME_STAR_ARCSEC / 3600.0) / 2.0)
    pairs = np.empty((0, 2), np.intp)
    if len(here):
        pairs = cKDTree(vectors).query_pairs(chord, output_type="ndarray")
    links = name[here[pairs]]
    shape = (len(names), len(names))
    graph = coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=shape)
    group = connected_components(graph, directed=False)[1]
    # np.unique sorts, so the first name of a group is its smallest.
    first, member = np.unique(group, return_index=True, return_inverse=True)[1:]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[member][name]


def blocks_of_stars(
    star: NDArray[np.int64], n_epochs: NDArray[np.int64], settings: BlockSettings
) -> NDArray[np.int64]:
    """Block of each light curve: neighbouring stars together, all blocks of about one size.

    Parameters
    ----------
    star : (n,) int64, 0 .. n_star - 1
    n_epochs : (n,) int64
        The longest light curve says how many exposures a block may have for each curve of a star.
    settings : BlockSettings
    """
    if not star.size:
        return np.empty(0, np.int64)
    n_star = int(star.max()) + 1
    curves_per_star = star.size / n_star
    bytes_per_star = _BYTES_PER_CELL * int(n_epochs.max()) * curves_per_star
    fitting = max(int(settings.megabytes * 2**20 / bytes_per_star), 1)
    n_blocks = math.ceil(n_star / min(settings.stars, fitting))
    return star * n_blocks // n_star

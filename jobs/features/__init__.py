"""From light curves to features, quadrant by quadrant."""

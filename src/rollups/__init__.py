"""What is precomputed: cells of figures that add up, folded from the runs in the background."""

"""Sample data to try Formicary out: two weeks of eight agents, with a few things gone wrong.

What it shows is written down in `cast` (who runs) and `incidents` (what goes wrong); `runs` tells the story as
run inputs, and `loading` records them the way every other run is recorded.
"""

from .loading import SEED, Loaded, load

__all__ = ["SEED", "Loaded", "load"]

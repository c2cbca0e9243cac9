"""Measurements: `python -m tests.bench` (or `make bench`) runs them all and prints tables.

population.py says what the runs look like, dataset.py loads millions of them, sample.py makes request bodies.
Each subject (recording, reading, requests, starting) is a module that gives tables of figures; nothing here
asserts a time, because the machine is shared: the ratios, taken within one run, are what counts.
"""

"""`make bench`: speed as ratios measured in one run, printed as a table and written to bench.json."""

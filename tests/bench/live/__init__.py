"""Benchmarks of live logs: `make bench-live`. They print figures beside bounds, and ratios to floors of one run."""

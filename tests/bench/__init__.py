"""What is measured: `make bench` prints ratios, each against a floor measured in the same run.

It starts its own servers, holds no assertion, and must never be read for absolute times: machines differ, ratios less.
"""

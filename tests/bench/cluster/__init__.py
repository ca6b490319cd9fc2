"""Benchmarks on a real Kubernetes: `make bench-cluster`. They print figures beside their bounds."""

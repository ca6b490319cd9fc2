"""Services and stacks as their manifests say: read, validated, inherited and rendered into plans, by pure functions.

It never reads a database, a cluster or a clock, and it never lets a YAML surprise through as anything but a finding.
"""

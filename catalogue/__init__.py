"""Services and stacks as their manifests say: read, validated, inherited, rendered into plans; pure functions over text and values.

It never reads a database, a cluster or a clock, and it never lets a YAML surprise through as anything but a finding.
"""

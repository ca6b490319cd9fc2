"""What a cluster does by itself: namespaces, workloads, claims, pods and garbage, each brought to what is written.

Nothing in here speaks HTTP, and nothing waits: a controller does what can be done now and asks to be called later.
"""

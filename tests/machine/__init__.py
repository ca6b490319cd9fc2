"""A real Kubernetes on this machine, for the tests: etcd, a control plane and one node, in namespaces of their own.

`python -m tests.machine COMMAND...` starts it, runs the command beside it and ends all of it. Nothing of it listens,
mounts or is added outside its own namespaces, and it never touches a process that it did not start.
"""

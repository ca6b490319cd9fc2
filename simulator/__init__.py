"""A small Kubernetes over real HTTP: its objects, controllers, pods, logs and faults, in one process of its own.

It knows nothing of Berth and imports nothing of it; where it and a real Kubernetes differ, the real one is right.
"""

from simulator.simulator import Simulator

__all__ = ["Simulator"]

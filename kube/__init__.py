"""The only folder that speaks to Kubernetes: clients, objects made by pure functions, apply, watches, logs.

It never knows a model, a database or Valkey, and it never trusts what a kubeconfig or a cluster sends.
"""

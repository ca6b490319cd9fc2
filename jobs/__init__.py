"""Work that outlives a request, and the one door through which every change comes in.

It never answers a query and never shows a type of the contract; it reaches Kubernetes through `live` and `kube`.
"""

"""What is kept open: clients of clusters, caches of what they hold, and the streams that many viewers share.

It may forget everything at any time, for the truth is in the database and in the clusters; it decides nothing.
"""

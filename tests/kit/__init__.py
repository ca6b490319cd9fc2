"""What tests are written with: servers, the API client, makers of rows, and a drain that runs queued work.

It goes through the front door wherever there is one, and must never hold an assertion about a feature.
"""

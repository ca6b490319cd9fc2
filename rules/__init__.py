"""What is allowed: enums, pure functions and tables that every other part asks.

It never awaits, reads or writes anything, and it imports nothing of Berth but `settings`.
"""

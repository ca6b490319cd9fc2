"""What happens when a field is asked for: plain async functions that return rows, models or plain values.

They find what the viewer may see and hand work over; they never return a type of the schema and never import it.
"""

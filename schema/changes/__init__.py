"""What one sends to change a noun, and what one gets back: inputs and payloads, one noun a file.

It decides nothing and writes nothing; which resolver carries a change out stands in `schema/mutation.py`.
"""

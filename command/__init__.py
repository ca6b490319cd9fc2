"""The commands of `berth`: those of the operator, who has the house at hand, and those of a client, who has only HTTP.

It turns arguments into calls and answers into lines; it never decides what is allowed, and a client command never
imports the models or the database.
"""

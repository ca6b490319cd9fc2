"""`make chaos`: everything is killed at random under instances that are made, changed and deleted. See `__main__`."""

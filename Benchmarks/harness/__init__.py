"""Runs the gateway and nginx side by side and compares what each takes for the same work."""

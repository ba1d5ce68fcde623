"""Graphs: walks, paths, sets and flows."""

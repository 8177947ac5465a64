"""Cube: what it is asked to build, and what is told of it."""

"""Monitors: what they are told of single runs they follow over time, and tell what has changed."""

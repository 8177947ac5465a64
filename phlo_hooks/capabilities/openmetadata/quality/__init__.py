"""Checks as test cases, and their results."""

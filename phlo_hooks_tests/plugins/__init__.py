"""Tests of phlo_hooks.plugins."""

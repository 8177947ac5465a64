"""Tests of the dbt Semantic Layer."""

"""Table and column lineage."""

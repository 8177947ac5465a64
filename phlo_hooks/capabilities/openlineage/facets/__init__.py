"""OpenLineage facets, each from what is known of a dataset, a job or a run. Pure functions."""

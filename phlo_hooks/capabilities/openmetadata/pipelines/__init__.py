"""Jobs and groups of assets as pipelines, and their runs."""

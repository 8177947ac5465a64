import pytest
from hypothesis import given, strategies as st

from phlo_hooks.capabilities.openlineage.datasets import DatasetNaming
from phlo_hooks.capabilities.openlineage.facts import DatasetName, Symlink
from phlo_hooks.capabilities.openlineage.namespaces import NamespaceTemplate
from phlo_hooks.errors import ConfigurationError


def naming(**sources):
    return DatasetNaming(NamespaceTemplate("dagster://{location}", "namespace"), sources, "shop")


def physical(sources=None, **facts):
    known = {"table_name": None, "uri": None, "storage_kind": None, "kinds": (), "metadata": {}} | facts
    return naming(**(sources or {})).physical(**known)


URIS = {
    "s3": ("s3://lake/raw/orders/", "s3://lake", "raw/orders"),
    "s3a": ("s3a://lake/raw/orders", "s3://lake", "raw/orders"),
    "s3 bucket": ("s3://lake", "s3://lake", "/"),
    "s3 with keys": ("s3://AKIA:secret@lake/raw", "s3://lake", "raw"),
    "s3 with a query": ("s3://lake/raw?X-Amz-Signature=abc#part", "s3://lake", "raw"),
    "presigned": ("https://lake.s3.eu-central-1.amazonaws.com/raw/o.csv?X-Amz-Signature=abc", "s3://lake", "raw/o.csv"),
    "presigned, path style": ("https://s3.eu-central-1.amazonaws.com/lake/raw/o.csv?X-Amz-Signature=abc", "s3://lake", "raw/o.csv"),
    "gs": ("gs://lake/raw", "gs://lake", "raw"),
    "gcs": ("gcs://lake/raw", "gs://lake", "raw"),
    "abfss": ("abfss://c@acc.dfs.core.windows.net/raw/o?sig=abc", "abfss://c@acc.dfs.core.windows.net", "raw/o"),
    "wasbs": ("wasbs://c@acc.blob.core.windows.net/raw", "wasbs://c@acc.dfs.core.windows.net", "raw"),
    "hdfs": ("hdfs://nn:9000/user/orders", "hdfs://nn:9000", "/user/orders"),
    "hdfs without port": ("hdfs://nn/user/orders", "hdfs://nn:8020", "/user/orders"),
    "dbfs": ("dbfs:/mnt/orders", "dbfs", "/mnt/orders"),
    "dbfs with workspace": ("dbfs://work/mnt/orders", "dbfs://work", "/mnt/orders"),
    "file": ("file:///srv/a%20b.csv", "file", "/srv/a b.csv"),
    "file on localhost": ("file://localhost/srv/a.csv", "file", "/srv/a.csv"),
    "file elsewhere": ("file://nas/srv/a.csv", "file://nas", "/srv/a.csv"),
    "bare path": ("/srv/lake/orders/", "file", "/srv/lake/orders"),
    "windows path": ("C:\\lake\\orders.csv", "file", "C:\\lake\\orders.csv"),
    "web": ("https://user:pass@data.example/a/b.csv?token=abc", "https://data.example", "a/b.csv"),
    "postgres": ("postgres://u:p@db:5433/shop/public/orders", "postgres://db:5433", "shop.public.orders"),
    "postgres, dots": ("postgresql://db/shop.public.orders", "postgres://db:5432", "shop.public.orders"),
    "postgres, driver": ("postgresql+psycopg2://db/shop/public/orders", "postgres://db:5432", "shop.public.orders"),
    "postgres, jdbc": ("jdbc:postgresql://db/shop/public/orders", "postgres://db:5432", "shop.public.orders"),
    "jdbc options": ("jdbc:mysql://db/shop/orders;password=x", "mysql://db:3306", "shop.orders"),
    "mysql": ("mysql://db/shop/orders", "mysql://db:3306", "shop.orders"),
    "mssql": ("mssql://db/shop/dbo/orders", "mssql://db:1433", "shop.dbo.orders"),
    "sqlserver": ("sqlserver://db/shop/dbo/orders", "mssql://db:1433", "shop.dbo.orders"),
    "synapse": ("sqlserver://w.sql.azuresynapse.net/shop/dbo/orders", "sqlserver://w.sql.azuresynapse.net:1433", "dbo.orders"),
    "redshift": ("redshift://c1.abc123.eu-west-1.redshift.amazonaws.com/dev/public/t", "redshift://c1.eu-west-1:5439", "dev.public.t"),
    "redshift, short": ("redshift://c1.eu-west-1:5555/dev/public/t", "redshift://c1.eu-west-1:5555", "dev.public.t"),
    "redshift, another host": ("redshift://db.corp.example/dev/public/t", "redshift://db.corp.example:5439", "dev.public.t"),
    "snowflake": ("snowflake://u:p@org-acc/DB/SC/T?warehouse=x", "snowflake://org-acc", "DB.SC.T"),
    "snowflake, full host": ("snowflake://org-acc.snowflakecomputing.com/db/sc/t", "snowflake://org-acc", "db.sc.t"),
    "snowflake, locator": ("snowflake://xy123.eu-central-1/db/sc/t", "snowflake://xy123.eu-central-1.aws", "db.sc.t"),
    "snowflake, bare locator": ("snowflake://xy123/db/sc/t", "snowflake://xy123.us-west-1.aws", "db.sc.t"),
    "bigquery": ("bigquery://p/d/t", "bigquery", "p.d.t"),
    "trino": ("trino://u@t:8443/hive/web/hits", "trino://t:8443", "hive.web.hits"),
    "athena": ("athena://eu-west-1/AwsDataCatalog/db/t", "awsathena://athena.eu-west-1.amazonaws.com", "AwsDataCatalog.db.t"),
    "athena, as named": ("awsathena://athena.eu-west-1.amazonaws.com/c/db/t", "awsathena://athena.eu-west-1.amazonaws.com", "c.db.t"),
    "oracle": ("oracle://db/svc/sc/t", "oracle://db:1521", "svc.sc.t"),
    "kafka": ("kafka://b1:9092,b2:9092/shop.orders", "kafka://b1:9092", "shop.orders"),
    "clickhouse": ("clickhouse://ch:8123/shop/orders", "clickhouse://ch:8123", "shop.orders"),
    "databricks": ("databricks://adb.example/main/sales/orders", "databricks://adb.example", "main.sales.orders"),
    "unknown scheme": ("weaviate://u:p@host:80/Class", "weaviate://host:80", "Class"),
}  # fmt: skip


@pytest.mark.parametrize(("uri", "namespace", "name"), URIS.values(), ids=URIS.keys())
def test_a_uri_gives_the_name_that_the_specification_has(uri, namespace, name):
    assert physical(uri=uri) == DatasetName(namespace, name)


NOT_UNDERSTOOD = {
    "empty": "",
    "blank": "  ",
    "no URI": "orders",
    "relative path": "lake/orders.csv",
    "database without table": "postgres://db/shop",
    "too many parts": "mysql://db/a/b/c",
    "no host": "postgres:///shop/public/orders",
    "bad port": "postgres://user:pa",
    "password with a slash": "postgres://user:pa/ss@db/shop/public/orders",
    "password with digits and a slash": "postgres://user:12/ss@db/shop/public/orders",
    "password with a question mark": "postgres://user:12?ss@db/shop/public/orders",
    "s3 secret with a slash": "s3://AKIA:12/ab@lake/raw",
    "azure without account": "abfss://container/raw",
    "no authority": "mailto:someone@example.com",
    "jdbc options": "jdbc:sqlserver://db;password=x/a/b/c",
    "jdbc options after a port": "jdbc:sqlserver://db:1433;password=x/a/b/c",
    "oracle thin": "jdbc:oracle:thin:user/pass@//db:1521/svc/s/t",
    "azure with a password": "abfss://c:secret@acc.dfs.core.windows.net/raw",
    "web page": "https://example.com",
    "broken brackets": "http://[::1/x",
}


@pytest.mark.parametrize("uri", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_a_uri_that_cannot_be_understood_is_no_physical_name(uri):
    assert physical(uri=uri) is None


SOURCES = {
    "table": ("postgres", "postgres://db/shop", "orders", "postgres://db:5432", "shop.public.orders"),
    "schema.table": ("postgres", "postgres://db/shop", "marts.orders", "postgres://db:5432", "shop.marts.orders"),
    "all parts": ("postgres", "postgres://db/shop", "dwh.marts.orders", "postgres://db:5432", "dwh.marts.orders"),
    "default schema": ("postgres", "postgres://db/shop/sales", "orders", "postgres://db:5432", "shop.sales.orders"),
    "alias": ("PostgreSQL", "postgresql://db:1/shop", "orders", "postgres://db:1", "shop.public.orders"),
    "password": ("postgres", "postgres://u:pw@db/shop", "orders", "postgres://db:5432", "shop.public.orders"),
    "snowflake": ("snowflake", "snowflake://org-acc/DB", '"SC"."T"', "snowflake://org-acc", "DB.SC.T"),
    "duckdb": ("duckdb", "duckdb:///srv/lake.duckdb", "raw.orders", "duckdb:///srv/lake.duckdb", "lake.raw.orders"),
    "duckdb, table": ("duckdb", "duckdb:///srv/lake.duckdb", "orders", "duckdb:///srv/lake.duckdb", "lake.main.orders"),
    "duckdb, bare path": ("duckdb", "/srv/lake.duckdb", "orders", "duckdb:///srv/lake.duckdb", "lake.main.orders"),
    "duckdb on windows": ("duckdb", r"C:\srv\lake.duckdb", "orders", r"duckdb://C:\srv\lake.duckdb", "lake.main.orders"),
    "motherduck": ("duckdb", "md:lake?motherduck_token=abc", "orders", "duckdb://md:lake", "lake.main.orders"),
    "sqlite": ("sqlite", "sqlite:///srv/shop.db", "orders", "sqlite:///srv/shop.db", "main.orders"),
    "bigquery": ("bigquery", "bigquery", "`p.d.t`", "bigquery", "p.d.t"),
    "bigquery, project": ("bigquery", "bigquery://proj", "d.t", "bigquery", "proj.d.t"),
    "bigquery, dataset": ("bigquery", "bigquery://proj/ds", "t", "bigquery", "proj.ds.t"),
    "mysql": ("mysql", "mysql://db/shop", "`orders`", "mysql://db:3306", "shop.orders"),
    "mssql": ("mssql", "mssql://db/shop", "[orders]", "mssql://db:1433", "shop.dbo.orders"),
    "glue": ("glue", "arn:aws:glue:eu-west-1:123", "db.t", "arn:aws:glue:eu-west-1:123", "table/db/t"),
    "databricks, web": ("databricks", "https://adb.example/main", "s.t", "databricks://adb.example", "main.s.t"),
    "trino": ("trino", "trino://t/hive/web", "hits", "trino://t:8080", "hive.web.hits"),
    "kafka": ("kafka", "kafka://k", "shop.orders", "kafka://k:9092", "shop.orders"),
    "another kind": ("weaviate", "weaviate://u:p@host:80/x/?k=v", "Class", "weaviate://host:80/x", "Class"),
    "another kind, no URL": ("mykind", "here", "a.b", "here", "a.b"),
    "another kind, known scheme": ("warehouse", "postgres://db/shop", "orders", "postgres://db:5432", "shop.public.orders"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "source", "table", "namespace", "name"), SOURCES.values(), ids=SOURCES.keys()
)
def test_a_table_is_named_by_where_its_kind_lives(kind, source, table, namespace, name):
    assert physical({kind: source}, table_name=table, storage_kind=kind) == DatasetName(namespace, name)


NO_TABLE = {
    "too few parts": ("postgres://db", "orders"),
    "too many parts": ("postgres://db/shop", "a.b.c.d"),
    "empty part": ("postgres://db/shop", "a..b"),
    "open quote": ("postgres://db/shop", '"a.b'),
    "blank part": ("postgres://db/shop", '" "."t"'),
    "blank": ("postgres://db/shop", " "),
}


@pytest.mark.parametrize(("source", "table"), NO_TABLE.values(), ids=NO_TABLE.keys())
def test_a_table_that_is_not_whole_has_no_physical_name(source, table):
    assert physical({"postgres": source}, table_name=table, storage_kind="postgres") is None


def test_the_kind_of_an_asset_tells_the_data_source_too():
    found = physical({"duckdb": "duckdb:///l.duckdb"}, table_name="a.b", kinds=("dbt", "DuckDB"))
    assert found == DatasetName("duckdb:///l.duckdb", "l.a.b")


def test_bigquery_needs_no_data_source():
    assert physical(table_name="p.d.t", kinds=("bigquery",)) == DatasetName("bigquery", "p.d.t")
    assert physical(table_name="d.t", kinds=("bigquery",)) is None


def test_a_quoted_part_may_have_dots_and_quotes():
    found = physical({"postgres": "postgres://db"}, table_name='"my.db"."a""b".t', storage_kind="postgres")
    assert found == DatasetName("postgres://db:5432", 'my.db.a"b.t')


def test_the_uri_of_a_database_and_a_table_make_a_name():
    found = physical(uri="duckdb:///srv/published.duckdb", table_name="main.orders")
    assert found == DatasetName("duckdb:///srv/published.duckdb", "published.main.orders")


@pytest.mark.parametrize("uri", ["/srv/lake.duckdb", "file:///srv/lake.duckdb"])
def test_the_tables_of_a_file_are_not_the_file(uri):
    found = physical(uri=uri, table_name="raw.orders", kinds=("dlt", "duckdb"))
    assert found == DatasetName("duckdb:///srv/lake.duckdb", "lake.raw.orders")
    assert physical(uri=uri, kinds=("duckdb",)) == DatasetName("file", "/srv/lake.duckdb")
    assert physical(uri=uri, table_name="raw.orders") == DatasetName("file", "/srv/lake.duckdb")


def test_a_web_page_about_a_table_is_not_the_table():
    page = {"uri": "https://console.example/orders", "table_name": "marts.orders", "storage_kind": "postgres"}
    assert physical({"postgres": "postgres://db/shop"}, **page) == DatasetName(
        "postgres://db:5432", "shop.marts.orders"
    )
    assert physical(**page) == DatasetName("https://console.example", "orders")


def test_what_is_stated_comes_first():
    stated = {"openlineage/namespace": "postgres://u:pw@db:1", "openlineage/name": "a.b.c"}
    found = physical(uri="s3://lake/x", metadata=stated)
    assert found == DatasetName("postgres://u:[redacted]@db:1", "a.b.c")


@pytest.mark.parametrize("stated", [{"openlineage/namespace": "x"}, {"openlineage/namespace": 1, "openlineage/name": "n"}, {"openlineage/namespace": " ", "openlineage/name": "n"}])  # fmt: skip
def test_half_a_statement_is_none(stated):
    assert physical(uri="s3://lake/x", metadata=stated) == DatasetName("s3://lake", "x")


BAD_SOURCES = {
    "empty": ("postgres", "", "give it as postgres://"),
    "empty of another kind": ("mykind", "", "give it as scheme://host:port"),
    "no scheme": ("snowflake", "myorg-acc", "data_sources['snowflake'] is 'myorg-acc': give it as snowflake://organization-account"),
    "no host": ("postgres", "postgres:///shop", "give it as postgres://host"),
    "no file": ("duckdb", "duckdb://", "give it as duckdb:///srv/lake.duckdb"),
    "another scheme": ("postgres", "foo://db", "give it as postgres://"),
    "not bigquery": ("bigquery", "my-project", "give it as bigquery, or"),
    "port is a password": ("postgres", "postgres://u:hunter", "not a URL that can be read"),
    "password with a slash": ("postgres", "postgres://u:hun/ter@db/shop", "not a URL that can be read"),
    "password of another kind": ("mykind", "mykind://u:hun/ter@db/shop", "not a URL that can be read"),
    "password elsewhere": ("postgres", "postgres://u:12/hunter@db/shop", "not a URL that can be read"),
    "password as an option": ("mssql", "Server=db;Password=hunter", "not a URL that can be read"),
    "password as an option of another kind": ("mykind", "Server=db;Password=hunter", "not a URL that can be read"),
    "password as an option of a URL": ("mssql", "sqlserver://db;password=hunter", "not a URL that can be read"),
    "password without scheme": ("postgres", "u:hunter@db/shop", "not a URL that can be read"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "source", "message"), BAD_SOURCES.values(), ids=BAD_SOURCES.keys())
def test_a_bad_data_source_is_refused_when_it_is_configured(kind, source, message):
    with pytest.raises(ConfigurationError) as refused:
        naming(**{kind: source})
    assert message in str(refused.value)
    assert "hunter" not in str(refused.value) and "hun/" not in str(refused.value)


ABOUT = {"group": "sales", "tags": {}, "uri": None, "storage_kind": None, "kinds": (), "metadata": {}}
LOGICAL = DatasetName("dagster://shop", "marts/orders")


def test_the_logical_name_is_a_symlink_of_a_physical_one():
    main, others = naming().names("marts/orders", **{**ABOUT, "uri": "s3://lake/orders"}, table_name=None)
    assert main == DatasetName("s3://lake", "orders")
    assert others == (Symlink(LOGICAL, "DAGSTER_ASSET"),)


def test_a_table_on_an_unknown_server_is_a_symlink_of_the_asset():
    main, others = naming().names("marts/orders", **ABOUT, table_name='"marts"."orders"')
    assert main == LOGICAL
    assert others == (Symlink(DatasetName("dagster://shop", "marts.orders"), "TABLE"),)


def test_an_asset_without_a_place_has_its_own_name_alone():
    assert naming().names("marts/orders", **ABOUT, table_name=None) == (LOGICAL, ())


def test_a_dataset_is_no_symlink_of_itself():
    stated = {"openlineage/namespace": "dagster://shop", "openlineage/name": "marts/orders"}
    assert naming().names("marts/orders", **{**ABOUT, "metadata": stated}, table_name=None) == (LOGICAL, ())


TEXT = st.text() | st.from_regex(r"[a-z0-9]{2,9}:/{0,3}[a-z:@/.?#%\[\]]{0,30}")


@given(TEXT, TEXT, st.sampled_from(["postgres", "duckdb", "bigquery", "glue", "kafka", "x"]))
def test_no_uri_and_no_table_name_stops_an_event(uri, table, kind):
    sources = {
        "postgres": "postgres://db/shop",
        "duckdb": "/l.duckdb",
        "glue": "nonsense",
        "kafka": "kafka://k",
    }
    for found in (
        physical(sources, uri=uri, table_name=table),
        physical(sources, table_name=table, storage_kind=kind),
    ):
        assert found is None or all(found)


@given(
    st.sampled_from(["postgres", "s3", "snowflake", "https", "foo", "kafka"]),
    st.from_regex(r"[a-z0-9/?#:]{0,6}", fullmatch=True),
)
def test_no_password_gets_into_a_name(scheme, noise):
    password = f"hunter{noise}two"
    found = physical(uri=f"{scheme}://user:{password}@host/a/b/c")
    assert found is None or "hunter" not in "".join(found)

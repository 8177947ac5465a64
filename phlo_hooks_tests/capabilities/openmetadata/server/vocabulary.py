"""The values that the API's enumerations allow."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


DATA_TYPES = _words(
    "NUMBER TINYINT SMALLINT INT BIGINT BYTEINT BYTES FLOAT DOUBLE DECIMAL NUMERIC TIMESTAMP TIMESTAMPZ TIME "
    "DATE DATETIME INTERVAL STRING MEDIUMTEXT TEXT CHAR LONG VARCHAR BOOLEAN BINARY VARBINARY ARRAY BLOB "
    "LONGBLOB MEDIUMBLOB MAP STRUCT UNION SET GEOGRAPHY ENUM JSON UUID VARIANT GEOMETRY BYTEA ERROR FIXED "
    "RECORD NULL SUPER XML UNKNOWN CIDR INET CLOB ROWID LOWCARDINALITY YEAR POINT POLYGON TUPLE SPATIAL TABLE "
    "NTEXT IMAGE IPV4 IPV6 HLL LARGEINT BITMAP UINT BIT MONEY"
)
TABLE_TYPES = _words(
    "Regular External Dynamic View SecureView MaterializedView Iceberg Local Partitioned Foreign Transient "
    "Stream Stage"
)
DATABASE_SERVICES = _words(
    "BigQuery BigTable Mysql Redshift Snowflake Postgres Timescale Mssql Oracle Athena Hive Impala Presto "
    "Trino Vertica Glue MariaDB Druid Db2 Clickhouse Databricks AzureSQL DynamoDB SingleStore SQLite "
    "DeltaLake Salesforce PinotDB Datalake CustomDatabase Dbt SapHana MongoDB Cassandra Couchbase Greenplum "
    "Doris StarRocks UnityCatalog SAS Teradata Synapse Exasol Cockroach Dremio MicrosoftFabric"
)
PIPELINE_SERVICES = _words(
    "Airflow GluePipeline KinesisFirehose Airbyte Fivetran Flink Dagster Nifi CustomPipeline "
    "DatabricksPipeline Spline Spark OpenLineage KafkaConnect DBTCloud Matillion Stitch DataFactory"
)
RUN_STATUSES = _words("Successful Failed Pending Skipped")
TEST_STATUSES = _words("Success Failed Aborted Queued")
TEST_PLATFORMS = _words("OpenMetadata GreatExpectations dbt Deequ Soda Other")
TEST_VALUES = _words(
    "NUMBER INT FLOAT DOUBLE DECIMAL TIMESTAMP TIME DATE DATETIME ARRAY MAP SET STRING BOOLEAN"
)
DIMENSIONS = _words("Completeness Accuracy Consistency Validity Uniqueness Integrity SQL NoDimension")
LINEAGE_SOURCES = _words(
    "Manual ViewLineage QueryLineage PipelineLineage DashboardLineage DbtLineage SparkLineage OpenLineage "
    "ExternalTableLineage CrossDatabaseLineage ChildAssets"
)
LABEL_TYPES = _words("Manual Propagated Automated Derived Generated")
CONSTRAINTS = _words("NULL NOT_NULL UNIQUE PRIMARY_KEY")
TABLE_CONSTRAINTS = _words("UNIQUE PRIMARY_KEY FOREIGN_KEY SORT_KEY DIST_KEY CLUSTER_KEY")
RELATIONSHIPS = _words("ONE_TO_ONE ONE_TO_MANY MANY_TO_ONE MANY_TO_MANY")
FILE_FORMATS = _words("csv csv.gz tsv avro parquet pq pqt parq parquet.snappy json json.gz json.zip jsonl")

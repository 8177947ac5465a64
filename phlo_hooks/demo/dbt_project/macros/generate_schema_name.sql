{# `staging` and `marts`, not `main_staging`: the schema is also the first part of the asset's key. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

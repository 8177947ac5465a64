{{ config(materialized='table') }}
select id as order_id, customer, amount from {{ ref('raw_orders') }}

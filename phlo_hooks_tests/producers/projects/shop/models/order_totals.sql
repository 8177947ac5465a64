{{ config(materialized='incremental', unique_key='order_id') }}
select order_id, amount * 2 as total from {{ ref('orders') }}

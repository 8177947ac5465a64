{{ config(materialized='table') }}
select {{ 'cast(customer as integer)' if var('broken', false) else '1' }} as n from {{ ref('orders') }}

-- Of two models, so it is no asset check.
select 1 from {{ ref('orders') }} join {{ ref('order_totals') }} using (order_id) where amount * 2 <> total

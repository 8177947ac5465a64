select {{ 'no_such_column' if var('broken', false) else 'total' }} from {{ ref('order_totals') }} where total <= 0

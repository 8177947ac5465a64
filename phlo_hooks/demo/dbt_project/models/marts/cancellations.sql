select
    month,
    origin,
    carrier,
    count(*) as flights,
    count(*) filter (is_cancelled) as cancelled,
    round(count(*) filter (is_cancelled) / count(*), 4) as share_cancelled
from {{ ref('flights') }}
group by all

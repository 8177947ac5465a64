select
    carrier,
    airline,
    sum(flights)::bigint as flights,
    sum(flights - departed)::bigint as cancelled,
    round(sum(share_late * flights) / sum(flights), 4) as share_late,
    rank() over (order by sum(share_late * flights) / sum(flights)) as punctuality_rank
from {{ ref('carrier_delays') }}
group by carrier, airline

select
    flights.month,
    {# DuckDB cannot read 'UA' as a number: the model fails. #}
    {% if var('break_model') %}cast(flights.carrier as integer){% else %}flights.carrier{% endif %} as carrier,
    airlines.airline,
    count(*) as flights,
    count(*) filter (not flights.is_cancelled) as departed,
    count(flights.arrival_delay_minutes) as arrived,
    count(*) filter (flights.arrival_delay_minutes > 15) as late,
    sum(flights.arrival_delay_minutes)::bigint as arrival_delay_minutes,
    round(avg(flights.departure_delay_minutes), 2) as mean_departure_delay_minutes,
    round(avg(flights.arrival_delay_minutes), 2) as mean_arrival_delay_minutes,
    round(avg(case when flights.arrival_delay_minutes > 15 then 1.0 else 0.0 end), 4) as share_late
from {{ ref('flights') }} as flights
left join {{ ref('airlines') }} as airlines on flights.carrier = airlines.carrier
group by all

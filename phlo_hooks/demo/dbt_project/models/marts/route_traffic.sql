select
    flights.origin,
    flights.destination,
    airports.airport_name as destination_name,
    count(*) as flights,
    count(distinct flights.carrier) as carriers,
    max(flights.distance_miles) as distance_miles,
    sum(flights.distance_miles)::bigint as miles_flown,
    round(avg(flights.air_time_minutes), 1) as mean_air_time_minutes,
    sum(planes.seats)::bigint as seats_of_known_planes
from {{ ref('flights') }} as flights
left join {{ ref('airports') }} as airports on flights.destination = airports.airport
left join {{ ref('planes') }} as planes on flights.tail_number = planes.tail_number
where not flights.is_cancelled
group by all

select
    flights.origin,
    case
        when weather.observed_hour is null then 'not observed'
        when weather.visibility_miles < 2 then 'poor visibility'
        when weather.precipitation_inches > 0 then 'rain or snow'
        when weather.wind_speed_mph > 20 then 'wind'
        else 'fair'
    end as weather,
    count(*) as flights,
    count(*) filter (flights.is_cancelled) as cancelled,
    round(avg(flights.departure_delay_minutes), 2) as mean_departure_delay_minutes
from {{ ref('flights') }} as flights
left join {{ ref('weather') }} as weather
    on flights.origin = weather.origin and flights.scheduled_hour = weather.observed_hour
group by all

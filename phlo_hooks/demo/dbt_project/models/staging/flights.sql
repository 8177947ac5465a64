-- A table: every mart reads it, and it is the only large one.
{{ config(materialized='table') }}

select
    concat_ws('-', carrier, flight, origin, strftime(make_date(year, month, day), '%Y%m%d'), sched_dep_time) as flight_id,
    make_date(year, month, day) as flight_date,
    make_date(year, month, 1) as month,
    time_hour as scheduled_hour,
    carrier,
    flight as flight_number,
    tailnum as tail_number,
    origin,
    dest as destination,
    dep_delay as departure_delay_minutes,
    arr_delay as arrival_delay_minutes,
    air_time as air_time_minutes,
    distance as distance_miles,
    dep_time is null as is_cancelled
from {{ source('raw', 'flights') }}

select
    origin,
    time_hour as observed_hour,
    precip as precipitation_inches,
    visib as visibility_miles,
    wind_speed as wind_speed_mph
from {{ source('raw', 'weather') }}

select
    tailnum as tail_number,
    manufacturer,
    model,
    seats,
    year as built_in
from {{ source('raw', 'planes') }}

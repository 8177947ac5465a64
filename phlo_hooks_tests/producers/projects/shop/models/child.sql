select n from {{ ref('bad') }}

select cast(range as date) as day
from range(timestamp '2013-01-01', timestamp '2014-01-01', interval 1 day)

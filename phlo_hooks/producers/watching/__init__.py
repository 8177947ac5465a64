"""What no run's own log tells: runs that take too long, ticks, backfills, daemons and definitions."""

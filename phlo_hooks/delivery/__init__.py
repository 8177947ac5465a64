"""Record events once, deliver each to every hook that wants it, and keep count of what became of it.

`store` holds the tables, `relay` the loop that empties them. Nothing is imported here: a bus without a
store must not pay the half second that SQLAlchemy takes.
"""

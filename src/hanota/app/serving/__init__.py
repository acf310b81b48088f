"""`hanota serve`: the head end as processes of one kind each, over one store, on one machine or several."""

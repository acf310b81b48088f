"""Schema steps, oldest first; a fresh store walks through all of them."""

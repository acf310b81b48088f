"""A head end that is quick to start and to kill, before homes that answer by themselves."""

"""The whole system under a virtual clock: towns drawn from seeds, faults by the thousand, invariants checked."""

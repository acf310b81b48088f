"""Layer 7, how hanota is shown: DUIS gateway, REST, console, command line. Errors are rendered here, nowhere else."""

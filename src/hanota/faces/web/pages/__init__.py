"""The console's pages, one module each; every view has its URL."""

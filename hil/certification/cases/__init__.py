"""The cases, one module per functional block; each function is one case, named by its decorator."""

"""Development PKI (python -m certs). Makes keys; holds none."""

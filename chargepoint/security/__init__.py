"""Trust: TLS contexts and where keys lie."""

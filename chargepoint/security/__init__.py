"""Trust: TLS contexts by use, and the files in which keys and roots lie.

In comes a folder with keys and roots. Out comes an `ssl.SSLContext` that is ready for its use, or a `TrustError` that names
the file, the reason and the remedy.
"""

"""Trust: TLS with cars, the files in which keys and roots lie, and the rules of certificates.

In comes a folder with keys and roots. Out comes an `ssl.SSLContext` that is ready for its use and follows its files, or a
`TrustError` that names the file, the reason and the remedy. `certificates`, `chain`, `vehicle`, `resume_binding` and `handshake` are cores.
"""

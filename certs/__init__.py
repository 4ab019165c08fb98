"""The development PKI: keys and certificates for station, car, contract and central system of a bench.

In comes a folder and a curve (`python -m certs`). Out go fresh chains and keys in the layout the configuration reads.
The repository holds no key, and these keys are for no street: root keys lie beside the others.
"""

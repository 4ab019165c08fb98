"""Register profiles: the schema, its loader and checks, and the polling of a device by its profile.

In come a TOML file and the registers of a device. Out go values with units, or None where the device gave no valid value.
"""

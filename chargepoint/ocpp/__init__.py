"""OCPP station side: RPC core, functional blocks, device model, connection."""

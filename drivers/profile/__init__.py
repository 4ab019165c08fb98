"""Register profiles: one TOML file per device model, read and checked here, decoded and polled here."""

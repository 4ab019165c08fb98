"""Configuration: schema with bounds, loading with file:line errors."""

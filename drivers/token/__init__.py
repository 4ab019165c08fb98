"""RFID readers."""

"""Token (RFID) readers. In: lines of text from a serial line. Out: tokens in upper case without separators."""

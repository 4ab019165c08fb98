"""The power process: process image, DC sequence, ramp, cycle, link. Sole owner of every bus, pin and contactor."""

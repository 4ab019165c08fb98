"""`python -m chargepoint` is the command line."""

from chargepoint.app.cli import main

main(prog_name="chargepoint")

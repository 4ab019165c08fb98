"""`python -m hil.scenario`: the command line."""

from hil.scenario.command import main

main(prog_name="run hil")

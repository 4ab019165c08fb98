"""Insulation monitors: one driver per family. In: measure, be silent, test yourself. Out: resistance and health with their age."""

"""Insulation monitors."""

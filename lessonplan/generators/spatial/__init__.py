"""Space: steps on a grid, turns, bodies that roll and stack."""

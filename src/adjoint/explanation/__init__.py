"""Ways to see a gradient: derived, questioned, drawn, and compared with one by hand."""

"""Charts of numbers over steps, strengths or dimensions."""

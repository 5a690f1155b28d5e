"""Reading and writing: the only package that touches files and converts sign conventions."""

"""The same pipeline on what others would build it with, to compare with: one package each."""

"""The engine time that no system could avoid, from the spans of real questions."""

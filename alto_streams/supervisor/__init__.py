"""Runs a whole stack (broker, engine, workers) as processes of one supervisor that restarts and stops them."""

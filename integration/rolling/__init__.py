"""Replaces every process of a deployment under load, and checks every event at every client."""

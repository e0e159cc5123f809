"""What Prometheus is told, when the operator asks for it."""

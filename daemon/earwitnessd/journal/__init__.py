"""What the daemon tells its operator: one line a state change, with fields where a journal takes them."""

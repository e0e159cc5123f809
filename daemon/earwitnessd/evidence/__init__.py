"""The audio around a verdict, kept as files for as long as the operator asked for, and no longer."""

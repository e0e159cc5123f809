"""What so many streams take: figures measured here, a simulated queue, and machines counted from both."""

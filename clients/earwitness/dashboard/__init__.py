"""The live picture: state and view are pure, `watch` is the shell around them."""

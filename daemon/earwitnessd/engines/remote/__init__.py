"""An engine on other machines: windows go there over a socket, unit vectors come back."""

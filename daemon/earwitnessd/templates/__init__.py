"""How voice templates are protected: the key, the encryption and the rotation that it decides."""
